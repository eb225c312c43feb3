package healthcheck

import "container/heap"

// A queue contains targets by their time, the earliest first.
type queue []*target

// set adds t, or moves it after its time has changed.
func (q *queue) set(t *target) {
	if t.place >= 0 {
		heap.Fix(q, t.place)
		return
	}
	heap.Push(q, t)
}

// remove takes t out. It does nothing if t is not in the queue.
func (q *queue) remove(t *target) {
	if t.place >= 0 {
		heap.Remove(q, t.place)
	}
}

// Len implements heap.Interface.
func (q *queue) Len() int { return len(*q) }

// Less implements heap.Interface.
func (q *queue) Less(i, j int) bool { return (*q)[i].at.Before((*q)[j].at) }

// Swap implements heap.Interface.
func (q *queue) Swap(i, j int) {
	all := *q
	all[i], all[j] = all[j], all[i]
	all[i].place, all[j].place = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	t := x.(*target)
	t.place = len(*q)
	*q = append(*q, t)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.place = absent
	return t
}

// absent is the place of a target that is not in the queue.
const absent = -1
