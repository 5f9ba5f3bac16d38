"""What changes the store. Each command is one function that works within the transaction it is given.

The rules across a run and its steps live here. Locks are taken in one order everywhere: the run, steps by
id, the counter row. Runs are locked FOR NO KEY UPDATE to transition them, FOR SHARE to start, retry or create
steps, FOR KEY SHARE to append; never FOR UPDATE, which would make every append and heartbeat wait.
"""
