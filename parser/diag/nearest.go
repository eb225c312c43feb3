package diag

// longestName limits the words that Nearest compares: no name of a directive, variable or parameter is
// longer.
const longestName = 64

// Nearest returns the name that word most likely stands for, or an empty string if none is similar. Two
// names are similar if at most a third of the letters of word, and at most three, must be inserted,
// removed, replaced or exchanged with their neighbour. Among equally similar names, the first is
// returned. The result is empty if word is one of the names.
func Nearest(word string, names []string) string {
	best, limit := "", min(max(len(word)/3, 1), 3)
	if len(word) > longestName {
		return ""
	}
	for _, name := range names {
		if name == word {
			return ""
		}
		if d := distance(word, name, limit); d <= limit {
			best, limit = name, d-1
		}
	}
	return best
}

// distance returns the number of insertions, removals, replacements and exchanges of neighbours that turn
// a into b (optimal string alignment). A result above limit means only that there are more than limit.
func distance(a, b string, limit int) int {
	if len(b) > longestName || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var rows [3][longestName + 1]int // row i%3 has the distances of a[:i] to all b[:j]
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		now, last, beforeLast := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			now[j] = min(last[j]+1, now[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], beforeLast[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
