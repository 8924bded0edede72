package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
)

// consoleSettings shows how the service is set up.
type consoleSettings struct{ s *Serve }

var _ api.Configuration = (*consoleSettings)(nil)

// Settings implements [api.Configuration].
func (c *consoleSettings) Settings(context.Context) (*api.Settings, error) {
	cfg := c.s.config.Load()
	text, err := settingsText(cfg)
	if err != nil {
		return nil, err
	}
	con := &cfg.Console
	file := c.s.o.File
	if file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return nil, err
		}
	}
	out := &api.Settings{File: file, Text: text, Local: con.LocalSignIn(), Networks: con.Networks, Providers: []api.SignInProvider{},
		Sessions: api.SessionBounds{Idle: seconds(cmp.Or(time.Duration(con.Sessions.Idle), 12*time.Hour)), Age: seconds(cmp.Or(time.Duration(con.Sessions.Age), 7*24*time.Hour))}}
	public := strings.TrimSuffix(publicURL(cfg), "/")
	for i := range con.OIDC {
		p := &con.OIDC[i]
		out.Providers = append(out.Providers, api.SignInProvider{Name: p.Name, Kind: "oidc", Label: cmp.Or(p.Label, p.Name), Issuer: p.Issuer, ClientID: p.ClientID,
			Redirect: public + "/auth/oidc/" + p.Name + "/callback", Roles: providerRoles(p.Roles)})
	}
	for i := range con.SAML {
		p := &con.SAML[i]
		at := public + "/auth/saml/" + p.Name
		out.Providers = append(out.Providers, api.SignInProvider{Name: p.Name, Kind: "saml", Label: cmp.Or(p.Label, p.Name), Metadata: at + "/metadata", ACS: at + "/acs",
			EntityID: cmp.Or(p.EntityID, at+"/metadata"), CertificateUntil: certificateEnd(p.Certificate), Roles: providerRoles(p.Roles)})
	}
	return out, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func providerRoles(list []config.RoleMapping) []api.ProviderRole {
	out := []api.ProviderRole{}
	for _, m := range list {
		out = append(out, api.ProviderRole(m))
	}
	return out
}

// certificateEnd is when the certificate of a file ends; zero where there is none, or it cannot
// be read: the service would not have started by it.
func certificateEnd(file string) time.Time {
	data, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return time.Time{}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return cert.NotAfter.UTC()
}

// settingsText writes a configuration as YAML: what is set, in the order of its struct, with
// every secret masked.
func settingsText(cfg *config.Config) (string, error) {
	node := settingNode(reflect.ValueOf(cfg).Elem())
	if node == nil || len(node.Content) == 0 {
		return "", nil
	}
	text, err := yaml.Marshal(node)
	return string(text), err
}

// userInfo is what an address says of who asks: passwords stand there.
var userInfo = regexp.MustCompile(`://[^/?#\s]*@`)

func settingScalar(s string) *yaml.Node {
	var n yaml.Node
	n.SetString(userInfo.ReplaceAllString(s, "://***@"))
	return &n
}

// settingNode is a value as YAML; nil where nothing is set.
func settingNode(v reflect.Value) *yaml.Node {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		if n := settingNode(v.Elem()); n != nil {
			return n
		}
		return settingPlain(v.Elem()) // no, where yes is usual
	}
	if v.IsZero() {
		return nil
	}
	switch x := v.Interface().(type) {
	case config.Secret:
		return settingScalar(x.String())
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return settingScalar(err.Error())
		}
		return settingScalar(string(text))
	}
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "-" {
				continue
			}
			child := settingNode(v.Field(i))
			switch {
			case child == nil:
			case f.Anonymous || strings.Contains(options, "inline"):
				n.Content = append(n.Content, child.Content...)
			default:
				n.Content = append(n.Content, settingScalar(cmp.Or(name, strings.ToLower(f.Name))), child)
			}
		}
		if len(n.Content) == 0 {
			return nil
		}
		return n
	case reflect.Slice, reflect.Array:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			child := settingNode(v.Index(i))
			if child == nil {
				child = settingPlain(v.Index(i))
			}
			n.Content = append(n.Content, child)
		}
		return n
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			child := settingNode(v.MapIndex(k))
			if child == nil {
				child = settingPlain(v.MapIndex(k))
			}
			n.Content = append(n.Content, settingScalar(fmt.Sprint(k)), child)
		}
		return n
	}
	return settingPlain(v)
}

// settingPlain is a value without parts.
func settingPlain(v reflect.Value) *yaml.Node {
	if d, ok := v.Interface().(config.Duration); ok {
		return settingScalar(time.Duration(d).String())
	}
	switch v.Kind() {
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	case reflect.Struct, reflect.Map:
		return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	case reflect.Slice, reflect.Array:
		return &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	}
	if v.Kind() == reflect.String {
		return settingScalar(v.String())
	}
	return settingScalar(fmt.Sprint(v.Interface()))
}
