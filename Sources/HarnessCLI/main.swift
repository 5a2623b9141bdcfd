import Glibc
import Harness

prepareProcess()
exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
