package directives

import "weir/directives/spec"

// geoipModule is ngx_stream_geoip_module. weir knows its directives, and does not serve them yet.
var geoipModule = &spec.Module[unserved]{
	Name: "ngx_stream_geoip_module",
	Entries: []spec.Entry[unserved]{
		{Name: "geoip_city", In: spec.Stream, Args: spec.Take(1), Support: spec.Refused},
		{Name: "geoip_country", In: spec.Stream, Args: spec.Take(1), Support: spec.Refused},
		{Name: "geoip_org", In: spec.Stream, Args: spec.Take(1), Support: spec.Refused},
	},
	Vars: absent(
		"geoip_area_code",
		"geoip_city",
		"geoip_city_continent_code",
		"geoip_city_country_code",
		"geoip_city_country_code3",
		"geoip_city_country_name",
		"geoip_country_code",
		"geoip_country_code3",
		"geoip_country_name",
		"geoip_dma_code",
		"geoip_latitude",
		"geoip_longitude",
		"geoip_org",
		"geoip_postal_code",
		"geoip_region",
		"geoip_region_name",
	),
}
