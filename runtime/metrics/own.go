package metrics

import (
	"slices"
	"strconv"

	"weir/runtime/api"
)

// own writes the metrics that only weir has.
func (w *writer) own(s Source) {
	r := s.Runtime()
	w.family("weir_build_info", gauge, "The version of weir and of Go")
	w.sample(1, "version", r.Version, "goversion", r.GoVersion)
	w.reloads(s)
	w.one("weir_old_sessions", gauge, "Sessions on configurations that are not current any more", r.OldSessions)
	w.one("weir_loops", gauge, "Event loops", uint64(r.Loops))
	w.one("weir_descriptors_open", gauge, "Open file descriptors", r.OpenDescriptors)
	w.one("weir_descriptors_limit", gauge, "The limit of open file descriptors", r.DescriptorsLimit)
	if s.HasStream() {
		w.mqtt(s.MQTT())
		w.rings(s.Rings())
	}
}

func (w *writer) reloads(s Source) {
	h := s.Reloads()
	w.one("weir_config_generation", gauge, "Configurations loaded since the start", s.Process().Generation)
	w.family("weir_config_reloads_total", counter, "Attempts to load a configuration, by outcome")
	w.sample(h.Served, "outcome", "success")
	w.sample(h.Failed, "outcome", "failure")
	w.one("weir_config_last_reload_successful", gauge, "Whether the last attempt succeeded", flag(h.LastServed()))
	for _, l := range slices.Backward(h.Last) {
		if l.Err == "" {
			w.family("weir_config_last_reload_success_timestamp_seconds", gauge, "When the configuration was loaded")
			w.number(float64(l.Time.UnixMilli()) / 1000)
			w.family("weir_config_last_reload_duration_seconds", gauge, "How long loading it took")
			w.number(l.Took.Seconds())
			return
		}
	}
}

func (w *writer) mqtt(zones []api.MQTTZone) {
	if len(zones) == 0 {
		return
	}
	w.family("weir_mqtt_connects_total", counter, "CONNECT packets by version of MQTT")
	for i := range zones {
		z := &zones[i]
		for _, v := range z.Versions() {
			w.sample(v.Count, "server_zone", z.Name, "version", v.Name)
		}
	}
	w.family("weir_mqtt_malformed_total", counter, "First packets that are no CONNECT packet")
	for i := range zones {
		w.sample(zones[i].Malformed, "server_zone", zones[i].Name)
	}
	w.family("weir_mqtt_without_client_id_total", counter, "CONNECT packets without a client identifier")
	for i := range zones {
		w.sample(zones[i].WithoutClientID, "server_zone", zones[i].Name)
	}
	w.family("weir_mqtt_connacks_total", counter, "CONNACK packets by reason code")
	for i := range zones {
		for _, c := range zones[i].Connacks {
			w.sample(c.Count, "server_zone", zones[i].Name, "code", strconv.Itoa(int(c.Code)))
		}
	}
	w.connackTimes(zones)
}

// connackTimes writes the time from CONNECT to CONNACK as a histogram.
func (w *writer) connackTimes(zones []api.MQTTZone) {
	w.family("weir_mqtt_connack_seconds", histogram, "Time from the CONNECT packet to the CONNACK packet")
	for i := range zones {
		t, label := &zones[i].ConnackTimes, []string{"server_zone", zones[i].Name}
		sum := uint64(0)
		for j, bound := range t.Bounds {
			sum += t.Counts[j]
			w.bucket(sum, append(label, "le", strconv.FormatFloat(bound.Seconds(), 'g', -1, 64)))
		}
		sum += t.Counts[len(t.Bounds)]
		w.bucket(sum, append(label, "le", "+Inf"))
		w.series("_sum", label)
		w.buf = strconv.AppendFloat(w.buf, t.Sum.Seconds(), 'g', -1, 64)
		w.buf = append(w.buf, '\n')
		w.series("_count", label)
		w.buf = strconv.AppendUint(w.buf, sum, 10)
		w.buf = append(w.buf, '\n')
	}
}

func (w *writer) bucket(n uint64, labels []string) {
	w.series("_bucket", labels)
	w.buf = strconv.AppendUint(w.buf, n, 10)
	w.buf = append(w.buf, '\n')
}

func (w *writer) rings(rings []api.Ring) {
	if len(rings) == 0 {
		return
	}
	w.family("weir_ring_share", gauge, "Share of the keys of a hash method that belongs to a server")
	for _, r := range rings {
		seen := map[string]bool{}
		for _, share := range r.Shares {
			labels := []string{"upstream", r.Upstream, "server", share.Server}
			if seen[share.Server] {
				labels = append(labels, "id", strconv.Itoa(share.ID))
			}
			seen[share.Server] = true
			w.number(share.Share, labels...)
		}
	}
}
