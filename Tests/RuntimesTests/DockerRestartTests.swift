import Model
import Runtimes
import Testing
import Vocabulary

/// Docker's restart manager in virtual time, against the numbers of its source.
@Suite("Docker's restarts")
struct DockerRestartTests {
    private func delays(_ machine: inout DockerRestart, _ count: Int, life: Duration = .zero) -> [Duration] {
        (0..<count).compactMap { _ in
            if case .restart(let delay) = machine.ended(code: 1, after: life) { delay } else { nil }
        }
    }

    @Test func theDelayDoublesUpToAMinute() {
        var machine = DockerRestart(.always)
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000].map(
            Duration.milliseconds)
        #expect(delays(&machine, 12) == expected)
        #expect(machine.count == 12)
    }

    @Test func aLongLifeTakesTheDelayBackButNotTheCount() {
        var machine = DockerRestart(.onFailure(limit: 4))
        _ = delays(&machine, 3)
        #expect(machine.ended(code: 1, after: .milliseconds(9999)) == .restart(after: .milliseconds(800)))
        #expect(machine.ended(code: 1, after: .seconds(10)) == .stay)
        var other = DockerRestart(.always)
        _ = delays(&other, 3)
        #expect(other.ended(code: 0, after: .seconds(10)) == .restart(after: .milliseconds(100)))
        #expect(other.count == 4)
    }

    @Test(arguments: [
        (RestartPolicy.no, 0, false), (.no, 1, false), (.always, 0, true), (.always, 137, true),
        (.unlessStopped, 0, true), (.unlessStopped, 1, true), (.onFailure(limit: nil), 0, false),
        (.onFailure(limit: nil), 1, true), (.onFailure(limit: 2), 0, false), (.onFailure(limit: 2), 143, true),
    ])
    func theStatusDecides(policy: RestartPolicy, code: Int, restarts: Bool) {
        var machine = DockerRestart(policy)
        #expect((machine.ended(code: code, after: .zero) != .stay) == restarts)
    }

    @Test func onFailureRestartsSoOftenAndNoMore() {
        var machine = DockerRestart(.onFailure(limit: 3))
        #expect(delays(&machine, 10).count == 3)
        machine.startedByHand()
        #expect(machine.count == 0)
        #expect(delays(&machine, 10) == [100, 200, 400].map(Duration.milliseconds))
    }

    @Test(arguments: [RestartPolicy.always, .unlessStopped, .onFailure(limit: nil)])
    func aStopIsTheLastEnd(policy: RestartPolicy) {
        var machine = DockerRestart(policy)
        machine.stopped()
        #expect(machine.ended(code: 1, after: .zero) == .stay)
        machine.startedByHand()
        #expect(machine.ended(code: 1, after: .zero) == .restart(after: .milliseconds(100)))
    }

    /// The table of what a `docker kill` changes: by signal, by whether a stop signal is configured, by policy.
    @Test(arguments: [
        (RestartPolicy.always, Signal.kill, Signal?.some(.term), false), (.always, .term, .some(.term), false),
        (.always, .hup, .some(.term), true), (.always, .hup, nil, false),
        (.unlessStopped, .hup, .some(.term), false), (.onFailure(limit: nil), .hup, .some(.term), true),
        (.onFailure(limit: nil), .hup, nil, false),
    ])
    func aKillChangesThePolicy(policy: RestartPolicy, signal: Signal, stopSignal: Signal?, restarts: Bool) {
        var machine = DockerRestart(policy)
        machine.killed(with: signal, stopSignal: stopSignal)
        #expect((machine.ended(code: 1, after: .zero) != .stay) == restarts)
    }

    /// What runs again under a new daemon, as seen on Docker 20.10: for one that the old daemon stopped as it ended, for one
    /// that was stopped by hand before, by policy and by status.
    @Test(arguments: [
        (RestartPolicy.no, 0, false, false), (.no, 3, false, false), (.always, 0, true, true), (.always, 3, true, true),
        (.unlessStopped, 0, true, false), (.unlessStopped, 3, true, false), (.onFailure(limit: nil), 0, false, false),
        (.onFailure(limit: nil), 3, true, true), (.onFailure(limit: 2), 3, true, true),
    ])
    func aNewDaemonAsksThePolicy(policy: RestartPolicy, code: Int, ifRunning: Bool, ifStoppedByHand: Bool) {
        var machine = DockerRestart(policy)
        machine.daemonEnds()
        #expect(machine.ended(code: code, after: .zero) == .stay)
        let startsIt = machine.daemonStarts(lastCode: code)
        #expect(startsIt == ifRunning)
        machine = DockerRestart(policy)
        machine.stopped()
        #expect(machine.ended(code: code, after: .zero) == .stay)
        let bringsItBack = machine.daemonStarts(lastCode: code)
        #expect(bringsItBack == ifStoppedByHand)
    }

    @Test func aNewDaemonLeavesAloneWhatWasNeverStartedAndWhatHasUsedItsRestarts() {
        var machine = DockerRestart(.always)
        let startsTheNew = machine.daemonStarts(lastCode: nil)
        #expect(!startsTheNew)
        machine = DockerRestart(.onFailure(limit: 2))
        _ = delays(&machine, 3)
        let startsTheOld = machine.daemonStarts(lastCode: 1)
        #expect(!startsTheOld)
        #expect(machine.count == 2)
    }

    @Test func whatANewDaemonStartsBeginsAnew() {
        var machine = DockerRestart(.always)
        _ = delays(&machine, 5)
        let startsIt = machine.daemonStarts(lastCode: 1)
        #expect(startsIt)
        #expect(machine.count == 0)
        #expect(delays(&machine, 2) == [100, 200].map(Duration.milliseconds))
    }

    /// With live-restore: the count stays, the delay and what cancelled the manager are forgotten; the hand is not.
    @Test func whatGoesOnUnderANewDaemonKeepsItsCount() {
        var machine = DockerRestart(.always)
        _ = delays(&machine, 5)
        machine.killed(with: .hup, stopSignal: nil)
        machine.daemonTakesOver()
        #expect(machine.count == 5)
        #expect(delays(&machine, 2) == [100, 200].map(Duration.milliseconds))
        machine = DockerRestart(.unlessStopped)
        machine.killed(with: .hup, stopSignal: nil)
        machine.daemonTakesOver()
        #expect(machine.ended(code: 1, after: .zero) == .stay)
    }

    @Test func whatRemovesItselfOutlivesARestartOnly() {
        var machine = DockerRestart(.no, removesItself: true)
        machine.stoppedToRestart()
        #expect(machine.ended(code: 143, after: .zero) == .stay)
        machine.startedByHand()
        #expect(machine.ended(code: 0, after: .zero) == .remove)
        machine.startedByHand()
        machine.stopped()
        #expect(machine.ended(code: 0, after: .zero) == .remove)
    }

    @Test func aStartThatFailsIsTheLast() {
        var machine = DockerRestart(.always)
        _ = machine.ended(code: 1, after: .zero)
        let decision = machine.startFailed()
        #expect(decision == .stay)
        #expect(machine.ended(code: 127, after: .zero) == .stay)
    }
}
