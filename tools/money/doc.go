// Package money is how sums are counted, written and read, the same in every family that
// moves money: integers of minor units and an ISO 4217 code.
package money
