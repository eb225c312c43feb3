package directives

import (
	"weir/directives/conf"
	"weir/web"
	"weir/web/modules/authbasic"
)

// authBasicConf holds the settings of ngx_http_auth_basic_module of one level.
type authBasicConf struct {
	realm, file *web.Template // nil if not given
}

// httpAuthBasicModule is ngx_http_auth_basic_module.
var httpAuthBasicModule = &httpModule[none, none, authBasicConf]{
	Name: "ngx_http_auth_basic_module",
	Location: []conf.Entry[authBasicConf]{
		{Name: "auth_basic", In: httpAll | conf.LimitExcept, Args: conf.Take(1), Default: "off",
			Set: func(c *authBasicConf, call *conf.Call) { setWebTemplate(&c.realm, call, call.Arg(0)) }},
		{Name: "auth_basic_user_file", In: httpAll | conf.LimitExcept, Args: conf.Take(1),
			Set: func(c *authBasicConf, call *conf.Call) {
				setWebTemplate(&c.file, call, call.Compiler().Env.ConfPath(call.Arg(0)))
			}},
	},
	MergeLocation: (*authBasicConf).merge,
	Build:         (*authBasicConf).build,
}

// setWebTemplate compiles a text in place of the first argument.
func setWebTemplate(to **web.Template, call *conf.Call, text string) {
	word := call.Args()[0]
	word.Text = text
	if t, ok := parseWebTemplate(call, &word); ok {
		*to = &t
	}
}

func (c *authBasicConf) merge(child *authBasicConf) {
	if child.realm == nil {
		child.realm = c.realm
	}
	if child.file == nil {
		child.file = c.file
	}
}

// passwords checks the passwords of all configurations of the process.
var passwords = authbasic.NewCache()

func (c *authBasicConf) build(b *locationBuild) {
	if c.realm != nil && c.file != nil {
		b.check(&authbasic.Checker{Realm: *c.realm, File: *c.file, Cache: passwords})
	}
}
