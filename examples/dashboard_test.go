package examples_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"weir/conformance/installed"
)

// A browser is a headless Chromium with one page. It collects what the page complains about.
type browser struct {
	context.Context
	t *testing.T

	mu         sync.Mutex
	complaints []string
}

// startBrowser starts the browser, which ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(installed.Program(t, "chromium", "chromium")), chromedp.NoSandbox, chromedp.WindowSize(1440, 1000))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closePage := chromedp.NewContext(allocator)
	t.Cleanup(closePage)
	limited, expire := context.WithTimeout(ctx, 2*patience)
	t.Cleanup(expire)
	b := &browser{Context: limited, t: t}
	chromedp.ListenTarget(ctx, b.listen)
	return b
}

// listen collects errors: of the script, of the console, and of the Content-Security-Policy.
func (b *browser) listen(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && e.Entry.Source != log.SourceNetwork { // a 404 of the API is an answer
			complaint = e.Entry.Text
		}
	}
	if complaint == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, complaint)
}

// do performs actions.
func (b *browser) do(what string, actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		var page string
		chromedp.Run(b, chromedp.Text("body", &page))
		b.t.Fatalf("%s: %v\n%s", what, err, page)
	}
}

// row is the selector of the row of one broker.
func row(id int) string { return fmt.Sprintf(`[data-upstream="brokers"] tr[data-key="%d"]`, id) }

// TestDashboard reads the page, asks for the broker of a client, and takes a broker down and drains one with clicks. With
// WEIR_SCREENSHOT it writes docs/dashboard.png.
func TestDashboard(t *testing.T) {
	p := startPlus(t)
	b := startBrowser(t)
	for i := range 200 {
		conn := p.dial()
		greet(t, conn, fmt.Sprintf("pump-%d", i))
	}
	const answer = `#routes [data-upstream="brokers"] b`
	operator := network.Headers{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("operator:secret"))}
	b.do("open the page", network.Enable(), log.Enable(), runtime.Enable(), network.SetExtraHTTPHeaders(operator),
		chromedp.Navigate(strings.TrimSuffix(p.api, "/api/9")+"/dashboard.html"))
	b.do("wait for the brokers", chromedp.WaitVisible(row(2)+` .up`))
	b.do("ask for a broker", chromedp.SendKeys("#client", "pump-17"), chromedp.Click("#search button"), chromedp.WaitVisible(answer))
	var broker string
	b.do("read the answer", chromedp.Text(answer, &broker))
	if homes := brokersOf("pump-17", p.brokers); len(homes) != 1 || !strings.HasPrefix(broker, homes[0].addr) {
		t.Errorf("the page says %q, the client met %v", broker, homes)
	}
	p.fillCharts(b)
	b.do("take a broker down", chromedp.Click(row(1)+" .toggle"), chromedp.WaitVisible(row(1)+" .state.down"))
	if got := p.states(); got != "up down up" {
		t.Errorf("the states are %q", got)
	}
	b.do("take it up again", chromedp.Click(row(1)+" .toggle"), chromedp.WaitVisible(row(1)+" .state.up"))
	p.drain(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser reports %q", b.complaints)
	}
}

// drain drains a broker with a click, sees the progress until no session is left, and uses the broker again.
func (p *plus) drain(b *browser) {
	const ending = `#endings tr[data-key^="brokers/0/"] td:nth-child`
	b.do("drain a broker", chromedp.SendKeys(row(0)+" .rate", "20"), chromedp.Click(row(0)+" .drain"),
		chromedp.WaitVisible(row(0)+" .state.draining"), chromedp.WaitVisible(ending+"(1)"))
	var server, reason, rate string
	b.do("read the ending", chromedp.Text(ending+"(1)", &server), chromedp.Text(ending+"(3)", &reason), chromedp.Text(ending+"(5)", &rate))
	if server != p.brokers[0].addr || reason != "drained" || rate != "20 / s" {
		p.t.Errorf("the page has an ending of %q, %q, at %q", server, reason, rate)
	}
	var left string
	b.do("wait for an estimate", chromedp.Poll(fmt.Sprintf(`/^about [0-9]+ s$/.test(document.querySelector('%s(7)')?.textContent)`, ending), nil))
	p.screenshot(b)
	b.do("wait for the end", chromedp.Poll(fmt.Sprintf(`document.querySelector('%s(7)')?.textContent === "done"`, ending), nil),
		chromedp.Text(ending+"(4)", &left))
	if left != "0" {
		p.t.Errorf("%s sessions are left", left)
	}
	b.do("use it again", chromedp.Click(row(0)+" .drain"), chromedp.WaitVisible(row(0)+" .state.up"), chromedp.WaitNotVisible("#endings"))
}

// wantsScreenshot reports whether the test writes docs/dashboard.png.
func wantsScreenshot() bool { return os.Getenv("WEIR_SCREENSHOT") != "" }

// fillCharts lets clients connect for a while, for the screenshot.
func (p *plus) fillCharts(b *browser) {
	if !wantsScreenshot() {
		return
	}
	for i := range 20 {
		for j := range 3 + i%5 {
			greet(p.t, p.dial(), fmt.Sprintf("meter-%d-%d", i, j))
		}
		b.do("wait", chromedp.Sleep(time.Second))
	}
}

// screenshot writes docs/dashboard.png.
func (p *plus) screenshot(b *browser) {
	if !wantsScreenshot() {
		return
	}
	var png []byte
	b.do("take a screenshot", chromedp.FullScreenshot(&png, 100))
	write(p.t, "../docs/dashboard.png", string(png))
}
