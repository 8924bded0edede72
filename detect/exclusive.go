package detect

// exclusive lets only the first of the hits of each group of exclusive rules be a finding.
// Hits are in the order of the rules. A hit that feeds correlations goes on to do so.
func exclusive(hits []Hit) []Hit {
	out := hits[:0]
	for _, h := range hits {
		if group := h.Rule.Exclusive; group != "" && h.Finds {
			for _, before := range out {
				if before.Rule.Exclusive == group && before.Finds {
					h.Finds = false
					break
				}
			}
			if !h.Finds && !h.Feeds {
				continue
			}
		}
		out = append(out, h)
	}
	return out
}
