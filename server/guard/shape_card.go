package guard

import "slices"

// brands are who issues cards under which first digits, and how long their numbers are
// (the ranges that the brands publish; ISO/IEC 7812-1 has the form).
var brands = []struct {
	from, to int // of the first four digits
	lengths  []int
}{
	{2200, 2204, []int{16, 17, 18, 19}}, // Mir
	{2221, 2720, []int{16}},             // Mastercard
	{3000, 3059, []int{14, 16, 19}},     // Diners Club
	{3095, 3095, []int{14, 16, 19}},
	{3400, 3499, []int{15}},             // American Express
	{3528, 3589, []int{16, 17, 18, 19}}, // JCB
	{3600, 3699, []int{14, 16, 19}},
	{3700, 3799, []int{15}},
	{3800, 3999, []int{14, 16, 19}},
	{4000, 4999, []int{13, 16, 19}},                 // Visa
	{5000, 5099, []int{13, 14, 15, 16, 17, 18, 19}}, // Maestro
	{5100, 5599, []int{16}},                         // Mastercard
	{5600, 5899, []int{13, 14, 15, 16, 17, 18, 19}},
	{6000, 6999, []int{13, 14, 15, 16, 17, 18, 19}}, // Discover, UnionPay, Maestro, RuPay
}

// groupings are how people write them, besides in one.
var groupings = [][]int{{4, 4, 4, 4}, {4, 4, 4, 4, 3}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 1}, {4, 6, 5}, {4, 6, 4}, {4, 4, 5}, {4, 3, 3, 3}}

// cardEnd is where the card number that begins at i ends, 0 if there is none.
func cardEnd(text string, i int) int {
	if i > 1 && text[i-1] == '-' && isWord[text[i-2]] {
		return 0 // within words that are joined by dashes, as a UUID's
	}
	var room [19]byte
	digits := room[:0]
	var groups []int
	end, size := 0, 0
	for at := i; at < len(text); at++ {
		if !isDigit(text[at]) {
			break
		}
		if len(digits) == len(room) {
			return end
		}
		digits, size = append(digits, text[at]), size+1
		if at+1 < len(text) && isDigit(text[at+1]) {
			continue
		}
		groups, size = append(groups, size), 0
		if len(digits) >= 13 && isGrouped(groups) && isIssued(digits) && endsThere(text, at+1) && passesLuhn(digits) {
			end = at + 1
		}
		if at+2 < len(text) && (text[at+1] == ' ' || text[at+1] == '-') && isDigit(text[at+2]) {
			at++
		}
	}
	return end
}

func isGrouped(groups []int) bool {
	if len(groups) == 1 {
		return true
	}
	return slices.ContainsFunc(groupings, func(known []int) bool { return slices.Equal(known, groups) })
}

func isIssued(digits []byte) bool {
	first := 0
	for _, c := range digits[:4] {
		first = first*10 + int(c-'0')
	}
	for _, brand := range brands {
		if first >= brand.from && first <= brand.to && slices.Contains(brand.lengths, len(digits)) {
			return true
		}
	}
	return false
}

// anyCardEnd is where the card number that starts with the group of digits at i ends,
// 0 if there is none: 13 to 19 digits, with blanks or dashes between groups of them, that
// pass the check. The group may be followed by others that do not belong to it.
func anyCardEnd(text string, i int) (end int) {
	var room [20]byte
	digits := room[:0]
	for ; i < len(text) && len(digits) <= 19; i++ {
		if !isDigit(text[i]) {
			separates := (text[i] == ' ' || text[i] == '-') && i+1 < len(text) && isDigit(text[i+1])
			if !separates {
				break
			}
			continue
		}
		digits = append(digits, text[i])
		groupEnds := i+1 == len(text) || !isDigit(text[i+1])
		if groupEnds && len(digits) >= 13 && len(digits) <= 19 && passesLuhn(digits) {
			end = i + 1
		}
	}
	return end
}

func passesLuhn(digits []byte) bool {
	sum := 0
	for i, c := range digits {
		n := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
