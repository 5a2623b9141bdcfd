import ServiceProtocol
import Testing
import Vocabulary

@Suite("What fake services and the harness say to each other")
struct ServiceProtocolTests {
    static let reports: [Report.Content] = [
        .hello(name: "db"), .executes(program: "/usr/bin/my program"), .ready, .caught(.term, sender: 0), .stopping,
        .finished(code: 255),
    ]

    @Test(arguments: reports)
    func reportsAreReadBack(content: Report.Content) {
        let report = Report(content, at: MonotonicInstant(nanoseconds: 123_456_789))
        #expect(Report(text: report.text) == report)
    }

    @Test(arguments: [
        "", " ", "1", "x ready", "1 hello", "1 hello ", "1 caught", "1 caught 0 0", "1 caught 65 1", "1 caught 15",
        "1 finished x", "1 finished", "-1 ready", "99999999999999999999 ready", "1 owns",
    ])
    func whatIsNoReportIsNotRead(text: String) {
        #expect(Report(text: text) == nil)
    }

    @Test func behaviourIsReadBackFromItsArguments() throws {
        var behaviour = Behaviour()
        behaviour.readyAfter = .milliseconds(50)
        behaviour.stopTakes = .seconds(2)
        behaviour.stopSignals = [.usr1]
        behaviour.ignoredSignals = [.term, .hup]
        behaviour.exitCodes = [.usr2: 3, .int: 42]
        behaviour.ending = .dies(of: Signal(rawValue: 11), after: .milliseconds(5))
        behaviour.children = 2
        behaviour.childrenHaveOwnSession = true
        behaviour.orphans = 100
        behaviour.orphansLive = .milliseconds(20)
        behaviour.zombies = 5
        #expect(try Behaviour(arguments: behaviour.arguments) == behaviour)
        behaviour.ending = .exits(code: 7, after: .zero)
        #expect(try Behaviour(arguments: behaviour.arguments) == behaviour)
    }

    @Test func aWellBehavedDaemonNeedsNoArguments() {
        #expect(Behaviour().arguments.isEmpty)
    }

    @Test(arguments: [
        "ready-after", "ready-after=", "ready-after=soon", "sings=loud", "exits=300", "ignores=SIGFOO", "orphans=5",
        "children=x",
    ])
    func whatIsNoBehaviourIsRefused(argument: String) {
        #expect(throws: Behaviour.BadArgument.self) { try Behaviour(arguments: [argument]) }
    }
}
