import Glibc
import Harness

prepareProcess()
exit(withEnoughStack { CommandLineTool.run(Array(CommandLine.arguments.dropFirst())) })
