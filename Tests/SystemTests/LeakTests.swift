import Harness
import Kernel
import TestSupport
import Testing
import Vocabulary

/// What a machine looks like from outside: a run must leave it as it was.
private struct Traces: Hashable {
    var descriptors: Int
    var children: [String]
    var mounts: Int
    var cgroups: [String]
    var files: [String]

    /// Of this process, or of the one with this number.
    init(of pid: Int32? = nil) {
        let own = pid.map(String.init) ?? "self"
        descriptors = Files.names(in: "/proc/\(own)/fd").count
        children = Files.names(in: "/proc/\(own)/task").flatMap {
            (Files.text(of: "/proc/\(own)/task/\($0)/children") ?? "").split(separator: " ").map(String.init)
        }
        mounts = (Files.text(of: "/proc/self/mountinfo") ?? "").split(separator: "\n").count
        cgroups = CgroupHierarchy.discover().map { Files.names(in: $0.directory).filter { $0.hasPrefix("harness-") } } ?? []
        files = Files.names(in: "/tmp").filter { $0.hasPrefix("harness-") && !$0.hasPrefix("harness-test") }
    }
}

@Suite("Leaving nothing behind", .serialized, .timeLimit(.minutes(3)))
struct LeakTestsSerial {
    static let cycle = """
        scenario "cycle"
          service app
          start
          expect app ready within 10s
          stop
          expect exit 0
        """

    /// In a process of its own, so that no other test's traces are counted.
    @Test func aThousandCyclesLeaveNothing() async throws {
        let program = [Checkout.harness, "run", "--init", "reference", "--jobs", "4", "--repeat", "1000", "--quiet"]
        try await blocking {
            try Checkout.withFile(Self.cycle) { path in
                let command = try Command(program + [path])
                // Once it runs, the number of its descriptors is that of four containers at most; it must not grow.
                var highest = 0
                while let process = ProcFS.process(ProcessID(rawValue: command.pid)), !process.isZombie {
                    highest = max(highest, Traces(of: command.pid).descriptors)
                    if highest == 0 { continue }
                    var poller = Poller()
                    try poller.wait(until: .now.advanced(by: .milliseconds(50)))
                    if MonotonicInstant.now.nanoseconds == 0 { break }
                    let traces = Traces(of: command.pid)
                    #expect(traces.descriptors < 150)
                    #expect(traces.children.count <= 6)
                }
                let end = try command.finish()
                #expect(end.status == .exited(0), "\(end)")
                #expect(end.output.contains("1000 passed"))
                #expect(highest > 0)
            }
        }
    }

    /// In this process: counted before and after, to the last descriptor.
    @Test func aClosedSessionLeavesNothing() async throws {
        let scenarios = try scenarios(Self.cycle)
        try await blocking {
            func cycles(_ count: Int) throws {
                let session = try Session(fakeServices: Checkout.fakeServices)
                defer { session.close() }
                let jobs = Array(repeating: Session.Job(scenarios[0], Checkout.profile("reference")), count: count)
                let results = try session.run(jobs, atOnce: 4)
                #expect(results.count == count && results.allSatisfy { $0.verdict == .passed })
            }
            try cycles(1)
            let before = Self.own
            try cycles(200)
            #expect(Self.own == before)
        }
    }

    /// Other tests run beside this one: what is theirs has other names.
    private static var own: [String] {
        let pid = Files.target(ofLink: "/proc/self") ?? ""
        let cgroups = Traces().cgroups.filter { $0.hasPrefix("harness-\(pid)-") }
        let files = Traces().files.filter { $0.hasPrefix("harness-\(pid)-") }
        return cgroups + files + Traces().children.filter { ProcFS.process(ProcessID(rawValue: Int32($0) ?? 0))?.isZombie == true }
    }

    // MARK: - Killed

    static let hanging = """
        scenario "hang"
          stop signal SIGTERM grace 600s
          command sh -c 'trap "" TERM; echo here; while :; do sleep 1; done'
          start
          wait for output contains "here" within 20s
          stop
          expect exit 0
        """

    /// Starts so many containers that do not end; the harness, and the processes in them.
    private static func hang(_ count: Int, _ path: String) throws -> (command: Command, processes: [ProcFS.Process]) {
        let command = try Command([
            Checkout.harness, "run", path, "--init", "reference", "--repeat", "\(count)", "--jobs", "\(count)",
        ])
        let deadline = MonotonicInstant.now.advanced(by: .seconds(40))
        while MonotonicInstant.now < deadline {
            let tree = try ProcFS.tree(under: ProcessID(rawValue: command.pid)).filter { $0.pid.rawValue != command.pid }
            // The guard, and an init, a shell and a sleep in each container.
            if tree.count(where: { $0.name == "sleep" }) >= count { return (command, tree) }
            var poller = Poller()
            try poller.wait(until: .now.advanced(by: .milliseconds(20)))
        }
        Issue.record("the containers did not start")
        return (command, [])
    }

    private static func areGone(_ processes: [ProcFS.Process]) -> Bool {
        processes.allSatisfy { former in
            guard let now = ProcFS.process(former.pid), now.startTime == former.startTime else { return true }
            return now.isZombie
        }
    }

    private static func waitUntil(_ limit: Duration, _ isSo: () -> Bool) throws -> Bool {
        let deadline = MonotonicInstant.now.advanced(by: limit)
        while !isSo() {
            if MonotonicInstant.now > deadline { return false }
            var poller = Poller()
            try poller.wait(until: .now.advanced(by: .milliseconds(5)))
        }
        return true
    }

    private static func leftovers(of pid: Int32) -> [String] {
        let traces = Traces()
        return (traces.cgroups + traces.files).filter { $0.hasPrefix("harness-\(pid)-") }
    }

    @Test func whenItIsKilledNothingLivesASecondLater() async throws {
        try await blocking {
            try Checkout.withFile(Self.hanging) { path in
                let mounts = Traces().mounts
                let (command, processes) = try Self.hang(50, path)
                #expect(processes.count >= 150)
                #expect(Traces().mounts == mounts)
                try command.send(.kill)
                let inits = processes.filter { $0.name != "harness-guard" }
                #expect(try Self.waitUntil(.seconds(1)) { Self.areGone(inits) })
                #expect(try Self.waitUntil(.seconds(5)) { Self.leftovers(of: command.pid).isEmpty })
                #expect(Traces().mounts == mounts)
                _ = try command.finish(within: .seconds(5))
            }
        }
    }

    @Test func whenTheGuardIsKilledTooTheNextRunClearsUp() async throws {
        try await blocking {
            try Checkout.withFile(Self.hanging) { path in
                let (command, processes) = try Self.hang(4, path)
                let guards = processes.filter { $0.name == "harness-guard" }
                #expect(guards.count == 1)
                for process in guards { try PIDDescriptor(opening: process.pid).send(.kill) }
                try command.send(.kill)
                _ = try command.finish(within: .seconds(5))
                #expect(try Self.waitUntil(.seconds(1)) { Self.areGone(processes) })
                #expect(!Self.leftovers(of: command.pid).isEmpty)
                try Session(fakeServices: Checkout.fakeServices).close()
                #expect(Self.leftovers(of: command.pid).isEmpty)
            }
        }
    }

    @Test(arguments: [Signal.int, .term, .hup])
    func anInterruptedRunEndsWith130(signal: Signal) async throws {
        try await blocking {
            try Checkout.withFile(Self.hanging) { path in
                let (command, processes) = try Self.hang(8, path)
                try command.send(signal)
                let end = try command.finish(within: .seconds(20))
                #expect(end.status == .exited(130))
                #expect(Self.areGone(processes))
                #expect(Self.leftovers(of: command.pid).isEmpty)
            }
        }
    }
}
