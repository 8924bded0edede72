package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
)

// startProfiles writes the profiles that YAGURA_CPUPROFILE and YAGURA_MEMPROFILE name,
// for whoever works on the speed of Yagura. The function returned ends them.
func startProfiles(env *environment) (func() error, error) {
	end := func() error { return nil }
	if name := env.getenv("YAGURA_CPUPROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return nil, usage("YAGURA_CPUPROFILE: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(usage("YAGURA_CPUPROFILE: %w", err), f.Close())
		}
		end = func() error {
			pprof.StopCPUProfile()
			return f.Close()
		}
	}
	name := env.getenv("YAGURA_MEMPROFILE")
	if name == "" {
		return end, nil
	}
	return func() error {
		err := end()
		f, createErr := os.Create(name)
		if createErr != nil {
			return errors.Join(err, createErr)
		}
		runtime.GC()
		return errors.Join(err, pprof.WriteHeapProfile(f), f.Close())
	}, nil
}
