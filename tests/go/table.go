// Table shows a queue of registrations in tview's table (the library under k9s), to be measured beside the console's.
//
// `table ROWS` holds every cell in memory, as programs on tview do; `table ROWS computed` asks for each cell when it is drawn.
// `*` marks every row or none; `j`, `k`, Page Down, `g` and `G` are tview's own.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

var titles = []string{" ", "No.", "State", "Who", "Applicant", "Student", "School", "Match", "Flags", "Age"}
var given = []string{"Ana", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hana", "Ivan", "Jin", "Kofi", "Lena", "José"}
var family = []string{"Alvarez", "Brandt", "Cohen", "Demir", "Eze", "Fischer", "Garcia", "Nguyen", "Okonkwo", "Smith-Jones", "Żak"}

// text is the cell of one case in one column.
func text(row, column int, marked bool) string {
	switch column {
	case 0:
		if marked {
			return "*"
		}
		return " "
	case 1:
		return strconv.Itoa(row)
	case 2:
		return []string{"submitted", "approved", "approved", "approved", "approved"}[row%5]
	case 3:
		return "parent"
	case 4:
		return given[row%len(given)] + " " + family[row/7%len(family)]
	case 5:
		return given[row/2%len(given)] + " " + family[row/14%len(family)]
	case 6:
		return fmt.Sprintf("School %d", row%9)
	case 7:
		return strconv.Itoa(2 + row%4)
	case 8:
		if row%10 == 9 {
			return "existing account"
		}
		return ""
	}
	return fmt.Sprintf("%d d", row%60)
}

// cell is a cell that may grow where names stand.
func cell(row, column int, marked bool) *tview.TableCell {
	if row == 0 {
		return tview.NewTableCell(titles[column]).SetSelectable(false).SetAttributes(tcell.AttrBold)
	}
	made := tview.NewTableCell(tview.Escape(text(row, column, marked)))
	if column == 4 || column == 5 {
		made.SetExpansion(1)
	}
	return made
}

// computed is a table's content of which nothing is held but which rows are marked.
type computed struct {
	tview.TableContentReadOnly
	rows   int
	marked map[int]bool
}

func (c *computed) GetCell(row, column int) *tview.TableCell {
	return cell(row, column, c.marked[row])
}

func (c *computed) GetRowCount() int { return c.rows + 1 }

func (c *computed) GetColumnCount() int { return len(titles) }

func main() {
	rows, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	table := tview.NewTable().SetFixed(1, 0).SetSelectable(true, false)
	marked := map[int]bool{}
	virtual := len(os.Args) > 2
	if virtual {
		table.SetContent(&computed{rows: rows, marked: marked})
	} else {
		for row := 0; row <= rows; row++ {
			for column := range titles {
				table.SetCell(row, column, cell(row, column, false))
			}
		}
	}
	status := tview.NewTextView().SetText(fmt.Sprintf("nothing marked, %d match", rows))
	table.Select(1, 0)
	table.SetInputCapture(func(event *tcell.EventKey) *tcell.EventKey {
		if event.Rune() != '*' {
			return event
		}
		all := len(marked) == 0
		for row := 1; row <= rows; row++ {
			if all {
				marked[row] = true
			} else {
				delete(marked, row)
			}
			if !virtual {
				table.GetCell(row, 0).SetText(text(row, 0, all))
			}
		}
		status.SetText(fmt.Sprintf("%d marked, %d match", len(marked), rows))
		return nil
	})
	page := tview.NewFlex().SetDirection(tview.FlexRow).AddItem(table, 0, 1, true).AddItem(status, 1, 0, false)
	if err := tview.NewApplication().SetRoot(page, true).Run(); err != nil {
		panic(err)
	}
}
