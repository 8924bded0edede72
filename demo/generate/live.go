package generate

import "time"

// Live returns what happens for the n-th time after the week, at a time, while somebody looks
// on: small things of each kind in turn, so that something on the screen moves. All that
// ordinary work makes is that of [Week.Hour].
func (w *Week) Live(n int, t time.Time) []Record {
	s := &teller{w.gen("live", n, t)}
	c := w.company
	switch n % 5 {
	case 0: // the application goes on reading mail
		for i := range 24 {
			s.graph(t.Add(time.Duration(i)*time.Second), "", backupApp, backupPrincipal, mailFrom, "GET", "/v1.0/users/"+c.people[(n+i)%len(c.people)].mail()+"/mailFolders/inbox/messages", 200, "Mail.Read")
		}
	case 1: // the port is open again
		s.entry(t, "AuthorizeSecurityGroupIngress")
	case 2: // somebody looks around in the cluster
		s.falco(t, "Warning", "Read sensitive file untrusted", "shop", pods[n%len(pods)], "cat", "cat /var/run/secrets/kubernetes.io/serviceaccount/token", "root")
	case 3: // another round of guesses
		for i := range 12 {
			s.signIn(t.Add(time.Duration(i*2)*time.Second), signIn{who: &c.people[(n*7+i)%len(c.people)], app: apps[0], from: sprayFrom, city: "Amsterdam", country: "NL", agent: "python-requests/2.32.5", single: true, code: 50126, reason: "Error validating credentials due to invalid username or password."})
		}
	case 4: // and the port is closed
		s.entry(t, "RevokeSecurityGroupIngress")
	}
	return s.out
}
