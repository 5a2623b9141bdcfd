// `fake-services`: one executable for everything that a scenario starts inside a container.
//
//     fake-services service NAME [BEHAVIOUR…]          a daemon that behaves as told
//     fake-services run NAME -- COMMAND…               a real program under a service's name
//     fake-services as NAME                            whatever a file says that NAME is
//     fake-services entrypoint [OPTION…] -- COMMAND…   first-run initialisation behind a marker, then the command
//     fake-services init [OPTION…] -- COMMAND…         the reference init, with one child
//     fake-services init [OPTION…] --service NAME…     the reference init, with several services
//     fake-services orphans N                          leaves N orphans, each of which exits after a moment
//     fake-services connect PORT                       leaves a client that is connected to a port, and says nothing
//     fake-services end-others                         kills everything in the container but PID 1
//     fake-services pause                              PID 1 of a namespace that containers share: reaps, and nothing else
//
// Static, synchronous, Glibc only: it starts in under a millisecond and in any root file system that has /proc.
import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "service" where arguments.count >= 2:
    runService(name: arguments[1], behaviour: Array(arguments.dropFirst(2)))
case "run" where arguments.count >= 4 && arguments[2] == "--":
    runProgram(name: arguments[1], command: Array(arguments.dropFirst(3)))
case "as" where arguments.count == 2:
    becomeService(arguments[1])
case "entrypoint":
    FakeEntrypoint.main(arguments: Array(arguments.dropFirst()))
case "init":
    ReferenceInit.main(arguments: Array(arguments.dropFirst()))
case "orphans" where arguments.count == 2:
    leaveOrphans(Int(arguments[1]) ?? 0)
case "connect" where (2...3).contains(arguments.count):
    leaveClient(of: UInt16(arguments[1]) ?? 0, saying: arguments.dropFirst(2).first)
case "end-others":
    // PID 1 takes no SIGKILL from inside, and this process is not sent it (kill(2)).
    exit(kill(-1, SIGKILL) == 0 || errno == ESRCH ? 0 : 1)
case "pause":
    reapForEver()
default:
    fail("usage: fake-services service NAME [BEHAVIOUR…] | run NAME -- COMMAND… | init [OPTION…] -- COMMAND…")
}
