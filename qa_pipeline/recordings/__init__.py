"""What was recorded.

`find` files, `decode` their samples, `records` the phone system's call records, `birth` a call out of both, `roots` where files
lie by name, `legs` which part of a call is whose.
"""
