package cli

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// table writes columns under headings, without lines: alignment is enough.
func (u *ui) table(headings []string, rows [][]line) {
	widths := u.columns(headings, rows)
	t := table.New().Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).
		StyleFunc(func(_, column int) lipgloss.Style {
			return lipgloss.NewStyle().PaddingRight(gap).Width(widths[column] + gap)
		})
	heads := make([]string, len(headings))
	for i, heading := range headings {
		heads[i] = u.outStyle.render(words(faint(heading)))
	}
	t.Headers(heads...)
	for _, row := range rows {
		cells := make([]string, len(headings))
		for i := range cells {
			if i < len(row) {
				cells[i] = unbroken.Replace(u.outStyle.render(row[i]))
			}
		}
		t.Row(cells...)
	}
	u.block(broken.Replace(t.Render()))
}

// gap stands between two columns.
const gap = 2

// columns are the widths of a table's columns. Where all of them do not fit, the
// widest gives way, first those of several words; a word is broken only when
// nothing else is left.
func (u *ui) columns(headings []string, rows [][]line) []int {
	widths, words, least := make([]int, len(headings)), make([]int, len(headings)), make([]int, len(headings))
	total := gap * (len(headings) - 1)
	for i, heading := range headings {
		least[i] = max(4, lipgloss.Width(heading))
		widths[i], words[i] = least[i], least[i]
		for _, row := range rows {
			if i >= len(row) {
				continue
			}
			cell := escape(text(row[i]), u.outStyle.ascii)
			widths[i] = max(widths[i], lipgloss.Width(cell))
			for word := range strings.FieldsSeq(cell) {
				words[i] = max(words[i], lipgloss.Width(word))
			}
		}
		total += widths[i]
	}
	for _, least := range [][]int{words, least} {
		for u.width > 0 && total > u.width {
			widest := -1
			for i := range widths {
				if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
			total--
		}
	}
	return widths
}

// block writes rendered lines without the spaces at their ends.
func (u *ui) block(rendered string) {
	for text := range strings.SplitSeq(rendered, "\n") {
		fmt.Fprintln(u.out, strings.TrimRight(text, " "))
	}
}
