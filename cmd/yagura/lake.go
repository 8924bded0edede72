package main

type lakeCmd struct {
	Verify lakeVerifyCmd `cmd:"" help:"Prove that what is kept is what was received."`
}
