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
    var instances: [String]

    init() {
        descriptors = Files.names(in: "/proc/self/fd").count
        children = Files.names(in: "/proc/self/task").flatMap {
            (Files.text(of: "/proc/self/task/\($0)/children") ?? "").split(separator: " ").map(String.init)
        }
        mounts = (Files.text(of: "/proc/self/mountinfo") ?? "").split(separator: "\n").count
        cgroups =
            [CgroupHierarchy.version1(of: "pids"), CgroupHierarchy.version1(of: "freezer"), CgroupHierarchy.unified()]
            .compactMap(\.self).map(\.directory).reduce(into: Set()) { $0.insert($1) }
            .flatMap { Files.names(in: $0).filter { $0.hasPrefix("harness-") } }
        files = ["/run", "/tmp"].flatMap { Files.names(in: $0).filter { RunName.isOne($0) } }
        instances = (try? Traces.traceInstances()) ?? []
    }

    private static func traceInstances() throws -> [String] {
        let root = try Mount.detached(type: "tracefs")
        let directory = try Descriptor.open("instances", .directory, in: root.rawValue)
        return Files.names(in: directory)
    }
}

@Suite("Leaving nothing behind", .serialized, .timeLimit(.minutes(10)))
struct LeakTestsSerial {
    static let cycle = """
        scenario "cycle"
          service app
          start
          expect app ready within 10s
          stop
          expect exit 0
        """

    /// In this process, to the last descriptor. The suites of this name run alone.
    @Test func aThousandCyclesLeaveNothing() async throws {
        let scenarios = try scenarios(Self.cycle)
        try await blocking {
            func cycles(_ count: Int) throws {
                let session = try Session(fakeServices: Checkout.fakeServices)
                let jobs = Array(repeating: Session.Job(scenarios[0], Checkout.profile("reference")), count: count)
                let results = try session.run(jobs, atOnce: 4)
                #expect(results.count == count && results.allSatisfy { $0.verdict == .passed })
                let began = MonotonicInstant.now
                session.close()
                // The guard has nothing to wait for.
                #expect(MonotonicInstant.now.duration(since: began) < .seconds(2))
            }
            try cycles(1)
            let before = Traces()
            #expect(before.descriptors > 2)
            try cycles(1000)
            #expect(Traces() == before)
        }
    }

    /// The counter itself: it sees what a session has.
    @Test func anOpenSessionIsSeen() async throws {
        try await blocking {
            let before = Traces()
            let session = try Session(fakeServices: Checkout.fakeServices)
            let during = Traces()
            session.close()
            #expect(during.descriptors > before.descriptors)
            #expect(during.children.count == before.children.count + 1)
            #expect(during.instances.count == before.instances.count + 1)
            #expect(during.files.count == before.files.count + 1)
            let made = [CgroupHierarchy.version1(of: "pids"), CgroupHierarchy.unified()].count { $0 != nil }
            #expect(during.cgroups.count == before.cgroups.count + made)
        }
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

    static let paused = """
        scenario "frozen"
          command sh -c 'sleep 600 & echo here; wait'
          start
          wait for output contains "here" within 20s
          pause
          wait 600s
          expect exit 0
        """

    /// Starts so many containers that do not end, and waits until one process of this name is in each; the harness, and the
    /// processes in them.
    private static func hang(
        _ count: Int, _ path: String, until name: String = "sleep"
    ) throws -> (command: Command, processes: [ProcFS.Process]) {
        let command = try Command([
            Checkout.harness, "run", path, "--init", "reference", "--repeat", "\(count)", "--jobs", "\(count)",
        ])
        let deadline = MonotonicInstant.now.advanced(by: .seconds(40))
        while MonotonicInstant.now < deadline {
            let tree = try ProcFS.tree(under: ProcessID(rawValue: command.pid)).filter {
                $0.pid.rawValue != command.pid
            }
            // The guard, and an init, a shell and a sleep in each container.
            if tree.count(where: { $0.name == name }) >= count { return (command, tree) }
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
        return (traces.cgroups + traces.files + traces.instances).filter { $0.hasPrefix("harness-\(pid)-") }
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

    /// A frozen process takes no signal, the parent-death signal included: the guard has to thaw it.
    @Test func whenItIsKilledWhileAContainerIsPausedNothingLives() async throws {
        try await blocking {
            try Checkout.withFile(Self.paused) { path in
                let (command, processes) = try Self.hang(2, path, until: "sh")
                #expect(processes.count >= 5)
                #expect(try Self.waitUntil(.seconds(20)) { Self.frozenCount() == 2 })
                try command.send(.kill)
                #expect(try Self.waitUntil(.seconds(5)) { Self.areGone(processes) })
                #expect(try Self.waitUntil(.seconds(5)) { Self.leftovers(of: command.pid).isEmpty })
                _ = try command.finish(within: .seconds(5))
            }
        }
    }

    /// How many containers of the harness are frozen at the moment.
    private static func frozenCount() -> Int {
        let hierarchies = [CgroupHierarchy.version1(of: "freezer"), CgroupHierarchy.unified()].compactMap(\.self)
        return Set(hierarchies.map(\.directory)).reduce(0) { sum, directory in
            let runs = Files.names(in: directory).filter { $0.hasPrefix("harness-") }
            return sum
                + runs.flatMap { run in Files.names(in: "\(directory)/\(run)").map { "\(directory)/\(run)/\($0)" } }
                .count { container in
                    Files.text(of: container + "/freezer.state") == "FROZEN\n"
                        || Files.text(of: container + "/cgroup.freeze") == "1\n"
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

    /// Then the frozen ones stay, until somebody thaws them.
    @Test func whenTheGuardIsKilledTooTheNextRunClearsUpWhatIsFrozen() async throws {
        try await blocking {
            try Checkout.withFile(Self.paused) { path in
                let (command, processes) = try Self.hang(2, path, until: "sh")
                #expect(try Self.waitUntil(.seconds(20)) { Self.frozenCount() == 2 })
                for process in processes where process.name == "harness-guard" {
                    try PIDDescriptor(opening: process.pid).send(.kill)
                }
                try command.send(.kill)
                _ = try command.finish(within: .seconds(5))
                try Session(fakeServices: Checkout.fakeServices).close()
                #expect(try Self.waitUntil(.seconds(1)) { Self.areGone(processes) })
                #expect(Self.leftovers(of: command.pid).isEmpty)
            }
        }
    }

    /// Cgroups of dead runs with threads of this process in them, which the harness never kills.
    @Test func whatCannotBeRemovedDelaysNobodyAndIsSaid() async throws {
        guard let pids = CgroupHierarchy.version1(of: "pids") else { return }
        try await blocking {
            let names = (1...5).map { "harness-1-000000000000000\($0)" }
            let isOver = Monitor(false)
            let joined = Monitor(0)
            let threads = try names.map { name in
                try Thread {
                    let cgroup = try? Cgroup(making: "\(pids.directory)/\(name)", limits: [])
                    try? cgroup?.joinWithThread()
                    joined.withLock { $0 += 1 }
                    isOver.wait { $0 ? () : nil }
                }
            }
            joined.wait { $0 == names.count ? () : nil }
            let began = MonotonicInstant.now
            let session = try Session(fakeServices: Checkout.fakeServices)
            let time = MonotonicInstant.now.duration(since: began)
            let words = session.wordsOfLeftovers
            session.close()
            isOver.withLock { $0 = true }
            for thread in threads { thread.join() }
            #expect(time < .seconds(2))
            #expect(
                words?.contains("\(pids.directory)/\(names[0]) and 4 more; the next run tries again") == true,
                "\(words ?? "nothing")")
            // Nothing is in them now.
            let next = try Session(fakeServices: Checkout.fakeServices)
            #expect(
                next.wordsOfLeftovers?.hasPrefix("removed 5 directories") == true,
                "\(next.wordsOfLeftovers ?? "nothing")")
            next.close()
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
                #expect(end.output.contains("incomplete: 0 of 8 scenarios were run"), "\(end.output)")
                #expect(Self.areGone(processes))
                #expect(Self.leftovers(of: command.pid).isEmpty)
            }
        }
    }
}
