package main

import "strings"

// farthest is the edit distance up to which a name counts as a misspelling of another.
const farthest = 3

// nearest returns the first of the known names with the smallest edit distance to name, or nothing when all are too far.
func nearest(name string, known []string) string {
	best, distance := "", farthest+1
	for _, candidate := range known {
		if d := editDistance(name, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance counts the bytes to insert, remove or replace to make b of a (the Levenshtein distance).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// serviceLink reports variables that Kubernetes sets in every pod for a Service named threadrelay or threadrelay-something;
// warning of them would teach operators to overlook warnings. See "Environment variables" in the Kubernetes documentation
// of Services.
func serviceLink(name, value string) bool {
	if strings.HasSuffix(name, "_SERVICE_HOST") || strings.HasSuffix(name, "_SERVICE_PORT") || strings.Contains(name, "_SERVICE_PORT_") {
		return true
	}
	if strings.HasSuffix(name, "_PORT") {
		return strings.Contains(value, "://")
	}
	_, link, ok := strings.Cut(name, "_PORT_")
	if !ok || link == "" || link[0] < '0' || link[0] > '9' {
		return false
	}
	for _, protocol := range []string{"_TCP", "_UDP", "_SCTP"} {
		if strings.Contains(link, protocol) {
			return true
		}
	}
	return false
}
