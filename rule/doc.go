// Package rule is the model of a detection, whatever language it was written in.
// The front ends in rule/sigma and rule/falco read other people's files into it;
// detect judges events by it.
//
// A rule is compiled whole or refused whole: a [Refusal] says where (file, line,
// column), why, and what to do. Nothing in a rule is ignored in silence.
//
// The [SideCar] is what Yagura needs to know of a rule beyond its language: whether
// it finds a posture or a behaviour, what makes two findings one cause, what ends
// it. In our own rules it stands inside the rule file under the key `yagura`, for
// the rules of others in an overlay file beside them (see [Overlay]).
//
// A worked example:
//
//	rules, refusals := sigma.Load(files, options) // rule/sigma
//	for _, r := range rules { … r.When is the condition, r.Formats the logs it judges … }
//	for i := range refusals {
//		fmt.Println(&refusals[i]) // rules/a.yml:7:3: unknown modifier "contain" (hint: …)
//	}
package rule
