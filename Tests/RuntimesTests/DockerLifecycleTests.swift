import Model
import Runtimes
import Testing
import Vocabulary

/// Docker's lifecycle in virtual time: a test says what happens and when, and compares what is done, to the moment.
@Suite("Docker's lifecycle")
struct DockerLifecycleTests {
    private static func container(
        _ policy: ContainerPolicy = ContainerPolicy()
    ) -> VirtualContainer<DockerLifecycle<DockerRestart>> { VirtualContainer(DockerLifecycle(policy)) }

    private static func running(
        _ policy: ContainerPolicy = ContainerPolicy()
    ) -> VirtualContainer<DockerLifecycle<DockerRestart>> {
        var container = container(policy)
        container.ask(.start)
        return container
    }

    // MARK: - Stop

    @Test func anEarlyEndEndsTheWaitAtOnce() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(10)))
        container.pass(.milliseconds(300))
        container.end()
        #expect(container.log == ["0s SIGTERM", "300ms stopped", "300ms done"])
        #expect(container.machine.state == .exited && container.wakeAt == nil)
    }

    @Test func killsAtTheEndOfTheGracePeriod() {
        var container = Self.running(ContainerPolicy(stopSignal: .usr1))
        container.ask(.stop(grace: .seconds(10)))
        container.pass(.milliseconds(10_001))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(
            container.log
                == ["0s SIGUSR1", "10s grace over", "10s SIGKILL", "10s1ms stopped", "10s1ms done"])
    }

    @Test func sendsTheSignalAlsoWithoutGrace() {
        var container = Self.running()
        container.ask(.stop(grace: .zero))
        container.pass(.milliseconds(11))
        #expect(container.log == ["0s SIGTERM", "10ms grace over", "10ms SIGKILL"])
    }

    @Test func aNegativeGraceNeverEnds() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(-1)))
        container.pass(.seconds(3600))
        #expect(container.log == ["0s SIGTERM"] && container.wakeAt == nil)
        container.end()
        #expect(container.log == ["0s SIGTERM", "1h stopped", "1h done"])
    }

    @Test func givesUpTwelveSecondsAfterTheKill() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(1)))
        container.pass(.seconds(60))
        #expect(
            container.log
                == ["0s SIGTERM", "1s grace over", "1s SIGKILL", "11s SIGKILL", "13s stop failed", "13s done"])
    }

    @Test func waitsTwoSecondsWhenTheSignalCannotBeSent() {
        var container = Self.running()
        container.isDeafToSending = true
        container.ask(.stop(grace: .seconds(60)))
        container.pass(.seconds(60))
        #expect(
            container.log
                == ["0s SIGTERM", "2s grace over", "2s SIGKILL", "12s SIGKILL", "14s stop failed", "14s done"])
    }

    @Test func withoutALimitThereIsNoneForAFailedSignalEither() {
        var container = Self.running()
        container.isDeafToSending = true
        container.ask(.stop(grace: .seconds(-1)))
        container.pass(.seconds(60))
        #expect(container.log == ["0s SIGTERM"])
    }

    @Test func whatDoesNotRunIsStoppedAlready() {
        var container = Self.container()
        container.ask(.stop(grace: .seconds(1)))
        #expect(container.log == ["0s stopped", "0s done"])
    }

    @Test func aStopCallsOffARestart() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.end(.exited(1))
        #expect(container.machine.state == .restarting)
        container.ask(.stop(grace: .seconds(1)))
        container.pass(.seconds(60))
        #expect(container.log == ["0s called off", "0s stopped", "0s done"])
    }

    // MARK: - Pause

    @Test func aStopThawsWhenTheSignalWaits() {
        var container = Self.running()
        container.ask(.pause)
        container.ask(.stop(grace: .seconds(1)))
        #expect(container.log == ["0s SIGTERM", "0s thaw"])
    }

    /// Without a stop signal of its own every signal counts as a stop, which thaws; with one, only that one and SIGKILL do.
    @Test(arguments: [
        (Signal?.none, Signal.hup, true), (.term, .hup, false), (.term, .term, true), (.term, .kill, true),
    ])
    func aKillThawsWhereItCountsAsAStop(stopSignal: Signal?, signal: Signal, thaws: Bool) {
        var container = Self.running(ContainerPolicy(stopSignal: stopSignal))
        container.ask(.pause)
        container.ask(.kill(signal))
        #expect(container.log.contains("0s thaw") == thaws)
    }

    @Test func whatIsPausedIsNotPausedAgain() {
        var container = Self.running()
        container.ask(.resume)
        #expect(container.refusal == "the container is not paused")
        container.ask(.pause)
        container.ask(.pause)
        #expect(container.refusal == "the container is paused already")
        container.ask(.exec)
        #expect(container.refusal == "the container is paused")
        container.ask(.resume)
        container.ask(.exec)
        #expect(container.refusal == nil)
    }

    @Test(arguments: [Request.pause, .resume, .exec, .kill(.term)])
    func whatDoesNotRunIsRefused(request: Request) {
        var container = Self.container()
        container.ask(request)
        #expect(container.refusal == "the container is not running")
    }

    // MARK: - Restarts

    @Test func thePolicyStartsItAgainAfterADelayThatDoubles() {
        var container = Self.running(ContainerPolicy(restart: .onFailure(limit: 2)))
        for _ in 0..<3 {
            container.end(.exited(1))
            container.pass(.seconds(1))
        }
        #expect(
            container.log == [
                "0s start", "0s done", "0s again after 100ms", "100ms start by policy", "1s again after 200ms",
                "1s200ms start by policy",
            ])
        #expect(container.machine.state == .exited)
    }

    @Test func aRestartIsAStopAndAStart() {
        var container = Self.running(ContainerPolicy(restart: .always, removesItself: true))
        container.ask(.restart(grace: .seconds(1)))
        container.end(.exited(0))
        #expect(container.log == ["0s SIGTERM", "0s stopped", "0s start", "0s done"])
        #expect(container.machine.state == .running)
    }

    @Test func whatRemovesItselfIsGone() {
        var container = Self.running(ContainerPolicy(removesItself: true))
        container.end()
        #expect(container.isRemoved && container.machine.state == .removed)
        for request in [Request.start, .stop(grace: .zero), .restart(grace: .zero)] {
            container.ask(request)
            #expect(container.refusal == "the container has removed itself")
        }
        container.ask(.recreate)
        container.ask(.start)
        #expect(container.hasProcess)
    }

    @Test func theClockOfRestartsMayBeFaster() {
        var container = Self.running(ContainerPolicy(restart: .always, speed: 10))
        container.pass(.milliseconds(999))
        container.end(.exited(1))
        #expect(container.log.last == "999ms again after 10ms")
        container.pass(.milliseconds(10))
        container.end(.exited(1))
        container.pass(.milliseconds(20))
        container.pass(.seconds(1))
        container.end(.exited(1))
        // A second of its life counts as ten.
        #expect(container.log.last?.hasSuffix("again after 10ms") == true)
    }

    // MARK: - Daemons

    @Test func aDaemonThatEndsStopsWhatTheNextStartsAgain() {
        var container = Self.running(ContainerPolicy(grace: .seconds(3), restart: .always))
        container.ask(.replaceDaemon(isKilled: false))
        container.end()
        #expect(container.log == ["0s SIGTERM", "0s stopped", "0s new daemon", "0s start", "0s done"])
    }

    @Test func aSurvivorIsStoppedByTheNewDaemon() {
        var container = Self.running(ContainerPolicy(grace: .seconds(3), restart: .unlessStopped))
        container.ask(.replaceDaemon(isKilled: true))
        container.pass(.seconds(3))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(
            container.log
                == ["0s new daemon", "0s SIGTERM", "3s grace over", "3s SIGKILL", "3s stopped", "3s done"])
    }

    @Test func withLiveRestoreNothingHappens() {
        var container = Self.running(ContainerPolicy(restart: .always, isLiveRestored: true))
        container.ask(.replaceDaemon(isKilled: false))
        #expect(container.log == ["0s new daemon", "0s done"] && container.hasProcess)
    }

    // MARK: - Statuses

    @Test(arguments: 0...255)
    func passesEveryExitStatusThrough(code: Int) {
        #expect(DockerExit.code(of: .exited(Int32(code))) == code)
    }

    @Test(arguments: Signal.all)
    func adds128ToASignal(signal: Signal) {
        #expect(DockerExit.code(of: .signaled(signal, dumpedCore: false)) == 128 + Int(signal.rawValue))
    }

    @Test(arguments: [(Int32(2), 127), (13, 126), (8, 128), (1, 128)])
    func mapsStartFailures(errno: Int32, code: Int) {
        #expect(DockerExit.code(ofStartFailure: errno) == code)
    }

    // MARK: - Several requests at once, as 20.10 answered them

    private static func stopping(_ grace: Duration) -> VirtualContainer<DockerLifecycle<DockerRestart>> {
        var container = VirtualContainer(DockerLifecycle(ContainerPolicy(restart: .unlessStopped)))
        container.ask(.start)
        container.begin(.stop(grace: grace))
        container.pass(.milliseconds(500))
        return container
    }

    /// Each stop sends its signal, and the first whose time is over kills.
    @Test(arguments: [(20, 2, "2s"), (2, 20, "1s500ms"), (-1, 2, "2s"), (2, -1, "1s500ms")])
    func theShorterOfTwoStopsKills(first: Int, second: Int, moment: String) {
        var container = Self.stopping(.seconds(first))
        container.ask(.stop(grace: .seconds(second)))
        container.pass(.seconds(3))
        #expect(container.log == ["0s SIGTERM", "\(moment) grace over", "\(moment) SIGKILL"])
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log.suffix(2) == ["3s stopped", "3s done"] && container.violations.isEmpty)
    }

    @Test func whatIsBeingStoppedCanBeKilledStartedAndUsed() {
        var container = Self.stopping(.seconds(20))
        for request in [Request.kill(.hup), .exec, .start, .pause, .resume] {
            container.ask(request)
            #expect(container.asked == nil && container.refusal == nil, "\(request)")
        }
        container.ask(.kill(.kill))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGKILL", "0s stopped", "0s done"])
        container.pass(.seconds(60))
        #expect(!container.hasProcess && container.machine.state == .exited)
    }

    /// A restart that was begun starts it, whichever request has stopped it.
    @Test(arguments: [Request.stop(grace: .seconds(1)), .kill(.kill), .restart(grace: .seconds(1))])
    func aRestartThatWasBegunIsCarriedOut(request: Request) {
        var container = VirtualContainer(DockerLifecycle(ContainerPolicy()))
        container.ask(.start)
        container.begin(.restart(grace: .seconds(20)))
        container.ask(request)
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.hasProcess && container.asked == nil && container.violations.isEmpty)
    }

    @Test func aStopThatWasBegunDoesNotKeepARestartFromStarting() {
        var container = Self.stopping(.seconds(20))
        container.ask(.restart(grace: .seconds(1)))
        container.end()
        #expect(container.log == ["0s SIGTERM", "0s stopped", "0s start", "0s done"])
    }

    /// The daemon that waited is gone: the next gives what it stops the whole grace period.
    @Test(arguments: [true, false])
    func aStopDiesWithItsDaemon(isLiveRestored: Bool) {
        var container = VirtualContainer(
            DockerLifecycle(ContainerPolicy(grace: .seconds(5), isLiveRestored: isLiveRestored)))
        container.ask(.start)
        container.begin(.stop(grace: .seconds(2)))
        container.pass(.seconds(1))
        container.ask(.replaceDaemon(isKilled: true))
        container.pass(.seconds(4))
        #expect(!container.log.contains { $0.hasSuffix("SIGKILL") })
        container.pass(.seconds(2))
        #expect(container.log.contains("5s SIGKILL") == !isLiveRestored)
    }

    @Test func itGoesOnWithAStopWhoseClientIsGone() {
        var container = Self.stopping(.seconds(2))
        container.dropClient()
        container.pass(.seconds(2))
        #expect(container.log.contains("2s SIGKILL"))
    }

    // MARK: - Every sequence

    static let policies =
        [RestartPolicy.no, .always, .unlessStopped, .onFailure(limit: nil), .onFailure(limit: 2)].map {
            ContainerPolicy(restart: $0)
        } + [
            ContainerPolicy(removesItself: true), ContainerPolicy(restart: .always, isLiveRestored: true),
            ContainerPolicy(stopSignal: .int, restart: .unlessStopped),
        ]

    /// Never two lives at once, nothing sent to what has ended, each request answered once, nothing done to what is removed, nothing killed
    /// that stays frozen, and a count that goes up by one.
    @Test(arguments: policies)
    func noSequenceLeadsToWhatMustNotBe(policy: ContainerPolicy) {
        let exploration = LifecycleExploration(policy: policy) { DockerLifecycle($0) }
        let (finding, states) = exploration.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 200, "\(states)")
    }

    /// Each property, broken.
    enum Flaw: String, CaseIterable, Sendable {
        case twoLives = "two lives at once"
        case sentToTheDead = "SIGTERM to what has ended"
        case notAnswered = "is not answered when PID 1 ends"
        case notKilled = "is not answered when PID 1 does not end"
        case answeredTwice = "an answer that nobody waits for"
        case movesWhatIsRemoved = "for a container that is removed"
        case countGoesDown = "the count of restarts goes from"
        case leftFrozen = "killed, and left frozen"
        case begunInVain = "a stop that was begun never kills"
    }

    @Test(arguments: Flaw.allCases)
    func eachPropertyCanBeBroken(flaw: Flaw) {
        let policy = ContainerPolicy(
            restart: flaw == .movesWhatIsRemoved ? .no : .always, removesItself: flaw == .movesWhatIsRemoved)
        let exploration = LifecycleExploration(policy: policy) { Flawed(flaw: flaw, right: DockerLifecycle($0)) }
        #expect(exploration.run(upTo: 7).finding?.what.contains(flaw.rawValue) == true)
    }

    private struct Flawed: Lifecycle, Hashable {
        let flaw: Flaw
        var right: DockerLifecycle<DockerRestart>
        var state: ContainerState { right.state }

        mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
            let before = right.state
            let commands = right.handle(input, at: now)
            switch (flaw, input) {
            case (.twoLives, .asked(.start)) where before.isRunning: return [.start(byPolicy: false, onNewLayer: false)]
            case (.sentToTheDead, .asked(.stop)) where before == .exited: return [.send(.term)] + commands
            case (.notAnswered, .ended): return commands.filter { $0 != .done }
            case (.notKilled, .asked(.stop)): return commands.filter { if case .wake = $0 { false } else { true } }
            case (.answeredTwice, .ended): return commands + [.done]
            case (.movesWhatIsRemoved, .asked(.start)) where before == .removed:
                return [.start(byPolicy: false, onNewLayer: false)]
            case (.countGoesDown, _):
                return commands.map {
                    guard case .note(.restartScheduled(let delay, let count)) = $0 else { return $0 }
                    return .note(.restartScheduled(after: delay, count: min(count, 1)))
                }
            case (.begunInVain, .begun(.stop)):
                return commands.filter { if case .wake(after: .some) = $0 { false } else { true } }
            case (.leftFrozen, .asked(.kill)): return commands.filter { $0 != .thaw }
            default: return commands
            }
        }
    }
}
