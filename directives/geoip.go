package directives

import (
	"weir/directives/conf"
	"weir/stream/modules/geoip"
)

// geoipMain is the settings of ngx_stream_geoip_module: the databases, which are read while compiling, as in nginx.
type geoipMain struct{ geoip.Databases }

// geoipModule is ngx_stream_geoip_module. In addition to the documented file nginx accepts the word
// utf8.
var geoipModule = &streamModule[geoipMain, none]{
	Name: "ngx_stream_geoip_module",
	Main: []conf.Entry[geoipMain]{
		{Name: "geoip_city", In: conf.Stream, Args: conf.Take(1, 2), Set: (*geoipMain).city},
		{Name: "geoip_country", In: conf.Stream, Args: conf.Take(1, 2), Set: (*geoipMain).country},
		{Name: "geoip_org", In: conf.Stream, Args: conf.Take(1, 2), Set: (*geoipMain).org},
	},
	Vars: geoip.Variables(geoip.Databases{}),
	Init: (*geoipMain).init,
}

func (c *geoipMain) city(call *conf.Call) {
	c.City = openGeoIP(call, "GeoIP City", geoip.Edition.IsCity)
}

func (c *geoipMain) country(call *conf.Call) {
	c.Country = openGeoIP(call, "GeoIP", geoip.Edition.IsCountry)
}

func (c *geoipMain) org(call *conf.Call) {
	c.Org = openGeoIP(call, "GeoIP", geoip.Edition.IsOrg)
}

// openGeoIP follows ngx_stream_geoip_country and the similar setters. A relative path starts at the
// working directory, not at the prefix.
func openGeoIP(call *conf.Call, kind string, takes func(geoip.Edition) bool) *geoip.Database {
	file := &call.Args()[0]
	content, err := call.Compiler().Env.ReadFile(file.Text)
	if err != nil {
		call.Fail(file, "GeoIP_open(\"%s\") failed", file.Text)
		return nil
	}
	d, err := geoip.Parse(string(content))
	if err != nil {
		call.Fail(file, "GeoIP_open(\"%s\") failed", file.Text)
		return nil
	}
	if len(call.Args()) == 2 {
		if call.Arg(1) != "utf8" {
			call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
			return nil
		}
		d.UTF8 = true
	}
	if !takes(d.Edition) {
		call.Fail(file, "invalid %s database \"%s\" type:%d", kind, file.Text, d.Edition)
		return nil
	}
	return d
}

func (c *geoipMain) init(s *streamBuild) {
	for _, v := range geoip.Variables(c.Databases) {
		s.config.Vars.Replace(v)
	}
}
