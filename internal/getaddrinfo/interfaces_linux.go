package getaddrinfo

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// The flags and attributes of addresses in linux/if_addr.h.
const (
	flagOptimistic = 0x04
	flagHome       = 0x10
	flagDeprecated = 0x20
)

// interfaceAddrs asks the kernel for the addresses of all interfaces.
func interfaceAddrs() ([]ifaceAddr, error) {
	table, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_UNSPEC)
	if err != nil {
		return nil, os.NewSyscallError("netlinkrib", err)
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return nil, os.NewSyscallError("parsenetlinkmessage", err)
	}
	var all []ifaceAddr
	for i := range messages {
		if a, ok := parseInterfaceAddr(&messages[i]); ok {
			all = append(all, a)
		}
	}
	return all, nil
}

// parseInterfaceAddr parses an ifaddrmsg and its attributes. For a point-to-point link, the address
// is that of the remote end.
func parseInterfaceAddr(m *syscall.NetlinkMessage) (ifaceAddr, bool) {
	if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
		return ifaceAddr{}, false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return ifaceAddr{}, false
	}
	flags := m.Data[2]
	a := ifaceAddr{
		bits: int(m.Data[1]), index: int(binary.NativeEndian.Uint32(m.Data[4:8])),
		deprecated: flags&(flagDeprecated|flagOptimistic) != 0, home: flags&flagHome != 0,
	}
	for _, attr := range attrs {
		ip, ok := netip.AddrFromSlice(attr.Value)
		switch {
		case !ok:
		case attr.Attr.Type == syscall.IFA_ADDRESS:
			a.addr = ip
			return a, true
		case attr.Attr.Type == syscall.IFA_LOCAL:
			a.addr = ip
		}
	}
	return a, a.addr.IsValid()
}

// isTunnel reports whether an interface is an IP-in-IP tunnel, by its type in linux/if_arp.h.
func isTunnel(index int) bool {
	i, err := net.InterfaceByIndex(index)
	if err != nil {
		return false
	}
	kind, err := os.ReadFile("/sys/class/net/" + i.Name + "/type")
	if err != nil {
		return false
	}
	switch strings.TrimSpace(string(kind)) {
	case "768", "769", "776": // ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT
		return true
	}
	return false
}
