# tries: to leave directories so deep that no path leads there
# must: taken away with the rest
import os
for _ in range(3000):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
