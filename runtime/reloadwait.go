package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"weir/internal/errorlog"
)

const (
	reloadPath = "/reload"
	// reloadTimeout limits the time that a command waits for a reload: names may be slow to resolve, and
	// addresses to become free.
	reloadTimeout = 5 * time.Minute
)

// A reloadAnswer is the outcome of a reload that a command asked for.
type reloadAnswer struct {
	Served bool     `json:"served"`
	Lines  []string `json:"lines"`           // of the error log, at level warn or worse
	Error  string   `json:"error,omitempty"` // no reload was tried
}

// answerReload reloads and answers with the outcome.
func (m *Master) answerReload(w http.ResponseWriter, r *http.Request) {
	lines, served, err := controlled{m}.Reload(r.Context())
	answer := reloadAnswer{Served: served, Lines: lines}
	if err != nil {
		answer.Error = err.Error()
	}
	json.NewEncoder(w).Encode(answer) // an error means that the client has gone
}

// reloadAndWait implements "-s reload --wait": it asks the running process for a reload, and writes the lines
// of the error log that belong to it.
func reloadAndWait(pidPath string, c *console) int {
	client := channelClient(pidPath)
	client.Timeout = reloadTimeout
	response, err := client.Post("http://weir"+reloadPath, "application/json", nil)
	if err != nil {
		c.log(errorlog.Emerg, "cannot reach the running process: %v", errors.Unwrap(err))
		return exitFailed
	}
	defer response.Body.Close()
	var answer reloadAnswer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		c.log(errorlog.Emerg, "cannot reach the running process: %v", err)
		return exitFailed
	}
	for _, line := range answer.Lines {
		fmt.Fprint(c.stderr, line)
	}
	switch {
	case answer.Error != "":
		c.log(errorlog.Emerg, "the configuration was not reloaded: %s", answer.Error)
	case !answer.Served:
		c.log(errorlog.Emerg, "the configuration was not reloaded")
	default:
		return exitOK
	}
	return exitFailed
}
