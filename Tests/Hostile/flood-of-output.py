# tries: to fill the harness's memory with output
# must: what is too much is not kept, and the program goes on
import os
for _ in range(256): os.write(1, b"x" * 65536); os.write(2, b"y\n" * 32768)
