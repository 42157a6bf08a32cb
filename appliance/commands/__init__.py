"""The command line, one module per noun.

Commands that touch data talk to the running appliance over HTTP: the embedded index belongs to one process
(decision 0004). On the machine itself they use the operator's token of `run/operator.json`, which only the owner of the
data folder can read; elsewhere `APPLIANCE_URL` and `APPLIANCE_API_KEY`.

Commands that show something have `--json`. Exit code 0 done, 1 failed, 2 bad usage; errors name the cause and the way
out.
"""
