package app

import (
	"errors"
	"time"

	"github.com/yagura-sec/yagura/rule/sentinel"
)

// checkQuery compiles the query of a rule on a schedule.
var checkQuery sentinel.Checker

func compileKQL(text string, now time.Time) (*compiled, error) { return nil, errors.New("KQL") }
