package app

import "github.com/yagura-sec/yagura/rule/sentinel"

// checkQuery compiles the query of a rule on a schedule.
var checkQuery sentinel.Checker
