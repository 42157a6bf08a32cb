"""Batches: files of requests that are answered when nobody waits. `/v1/batches`.

1. A batch is a row; its input is read from the file store, line by line, and checked as a whole before anything runs.
2. A gateway that has a slot takes a batch under a lease, sends its lines through the same services as every request, in
   the lane `batch`, and keeps each result in one transaction together with the counts (decision 0019).
3. When every line has a result, these become the output and the error file.

Rule: a line with a result is never run again, and a line without one has cost nothing but time: whoever loses the lease
can keep nothing more. Rights are asked anew for every line.
"""
