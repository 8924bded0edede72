package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/secret"
)

// secretError says which secret of the configuration could not be resolved.
type secretError struct {
	path string
	err  error
}

// Error returns the key and the reason.
func (e *secretError) Error() string { return e.path + ": " + e.err.Error() }

// Unwrap returns the reason.
func (e *secretError) Unwrap() error { return e.err }

// eachSecret calls each with every secret of a configuration that is set, and its key.
func eachSecret(v reflect.Value, path string, each func(text, path string)) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[config.Secret]():
		if v.String() != "" {
			each(v.Interface().(config.Secret).Reveal(), strings.TrimPrefix(path, "."))
		}
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				eachSecret(v.Field(i), path+"."+name, each)
			}
		}
	case t.Kind() == reflect.Pointer && !v.IsNil():
		eachSecret(v.Elem(), path, each)
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			eachSecret(v.Index(i), fmt.Sprintf("%s[%d]", path, i), each)
		}
	case t.Kind() == reflect.Map:
		for _, k := range v.MapKeys() {
			eachSecret(v.MapIndex(k), path+"."+k.String(), each)
		}
	}
}

// resolveSecrets returns the configuration with every secret that is a reference replaced
// by what it refers to. All that cannot be resolved are said at once, without values.
func resolveSecrets(ctx context.Context, cfg *config.Config) (*config.Config, error) {
	out := *cfg
	var errs []error
	var walk func(v reflect.Value, path string) reflect.Value
	resolve := func(text, path string) string {
		if !secret.IsRef(text) {
			return text
		}
		value, err := secret.Resolve(ctx, text, secret.Options{})
		if err != nil {
			errs = append(errs, &secretError{strings.TrimPrefix(path, "."), err})
		}
		return value
	}
	walk = func(v reflect.Value, path string) reflect.Value {
		t := v.Type()
		switch {
		case t == reflect.TypeFor[config.Secret]():
			return reflect.ValueOf(config.Secret(resolve(v.String(), path)))
		case t.Kind() == reflect.Struct:
			n := reflect.New(t).Elem()
			n.Set(v)
			for i := range t.NumField() {
				if name := t.Field(i).Tag.Get("yaml"); name != "" {
					n.Field(i).Set(walk(v.Field(i), path+"."+name))
				}
			}
			return n
		case t.Kind() == reflect.Pointer && !v.IsNil():
			n := reflect.New(t.Elem())
			n.Elem().Set(walk(v.Elem(), path))
			return n
		case t.Kind() == reflect.Slice && v.Len() > 0:
			n := reflect.MakeSlice(t, v.Len(), v.Len())
			for i := range v.Len() {
				n.Index(i).Set(walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i)))
			}
			return n
		case t.Kind() == reflect.Map && v.Len() > 0:
			n := reflect.MakeMap(t)
			for _, k := range v.MapKeys() {
				n.SetMapIndex(k, walk(v.MapIndex(k), path+"."+k.String()))
			}
			return n
		}
		return v
	}
	out = walk(reflect.ValueOf(out), "").Interface().(config.Config)
	return &out, errors.Join(errs...)
}
