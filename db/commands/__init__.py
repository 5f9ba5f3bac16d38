"""What changes the store. Each command is one function that works within the transaction it is given.

The rules across a run and its steps live here. Locks are taken in one order everywhere: runs by id, steps by
id, counter rows by id. A run is locked FOR NO KEY UPDATE to transition it and to start, retry or create steps
(FOR SHARE would do for these, but whoever wants to end a run would wait for as long as such locks overlap), FOR
KEY SHARE to append and to end a step; FOR UPDATE only in the last moment of its deletion, because it makes
every append wait.
"""
