package rule

// Distance is the number of edits (insert, delete, replace, swap of neighbours) that
// make one word of another, or limit where it is not below it. Words of more than 64
// bytes are that far apart.
func Distance(a, b string, limit int) int {
	const longest = 64
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > longest || len(b) > longest {
		return limit
	}
	var rows [3][longest + 1]int // of the byte before the last, the last and this one of a
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least >= limit { // a swap leaves a row out, and costs one
			return limit
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
