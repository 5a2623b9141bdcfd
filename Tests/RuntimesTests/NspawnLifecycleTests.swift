import Model
import Runtimes
import Testing
import Vocabulary

/// systemd-nspawn's lifecycle in virtual time.
@Suite("systemd-nspawn's lifecycle")
struct NspawnLifecycleTests {
    private static func running(_ policy: ContainerPolicy = ContainerPolicy()) -> VirtualContainer<NspawnLifecycle> {
        var container = VirtualContainer(NspawnLifecycle(policy))
        container.ask(.start)
        return container
    }

    /// Tried on 252: without --kill-signal= SIGTERM ends nspawn itself, and the machine is killed.
    @Test func withoutASignalOfItsOwnItIsKilled() {
        var container = Self.running(ContainerPolicy(command: ["sleep", "60"]))
        container.ask(.stop(grace: nil))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGKILL", "0s stopped", "0s done"])
    }

    /// Tried on 252: what --kill-signal= says is sent; with --boot it is SIGRTMIN+3. systemd gives the unit 90 s.
    @Test(arguments: [
        (ContainerPolicy(stopSignal: .term), "SIGTERM"), (ContainerPolicy(command: ["/sbin/init"]), "SIGRTMIN+3"),
        (ContainerPolicy(stopSignal: .term, command: ["/sbin/init"]), "SIGTERM"),
    ])
    func theKillSignalIsSent(policy: ContainerPolicy, sent: String) {
        var container = Self.running(policy)
        container.ask(.stop(grace: nil))
        container.pass(.seconds(100))
        #expect(container.log == ["0s \(sent)", "1m30s grace over", "1m30s SIGKILL"])
    }

    /// systemd.service(5): a TimeoutStopSec of zero is none.
    @Test(arguments: [Duration.zero, .seconds(-1)]) func withoutTimeItIsNeverKilled(grace: Duration) {
        var container = Self.running(ContainerPolicy(stopSignal: .term))
        container.ask(.stop(grace: grace))
        container.pass(.seconds(100_000))
        #expect(container.log == ["0s SIGTERM"])
    }

    /// Tried on 252: reboot(2) ends PID 1 by SIGHUP or SIGINT; the one comes again, the other has halted.
    @Test func aRebootComesAgain() {
        var container = Self.running()
        container.end(.signaled(.hup, dumpedCore: false))
        container.pass(.milliseconds(1))
        #expect(container.hasProcess && container.log.last == "0s start by policy")
        container.end(.signaled(.int, dumpedCore: false))
        container.pass(.seconds(100))
        #expect(!container.hasProcess)
    }

    @Test func aRebootWhileItIsStoppedIsTheEnd() {
        var container = Self.running(ContainerPolicy(stopSignal: .term))
        container.ask(.stop(grace: nil))
        container.end(.signaled(.hup, dumpedCore: false))
        container.pass(.seconds(1))
        #expect(!container.hasProcess && container.log == ["0s SIGTERM", "0s stopped", "0s done"])
    }

    /// Tried on 252, with --keep-unit.
    @Test(arguments: [
        (Vocabulary.ExitStatus.exited(7), 7), (.signaled(.int, dumpedCore: false), 0),
        (.signaled(.hup, dumpedCore: false), 133),
        (.signaled(.kill, dumpedCore: false), 1), (.signaled(Signal(rawValue: 11), dumpedCore: true), 1),
    ])
    func itEndsWithAStatusOfItsOwn(status: Vocabulary.ExitStatus, code: Int) {
        #expect(RuntimeRules.nspawn.codeOfEnd(status) == code)
    }

    /// Jobs of a unit: the last of several is what comes of it, and a start comes after the stop.
    @Test func theLastOfSeveralJobsCounts() {
        var container = VirtualContainer(NspawnLifecycle(ContainerPolicy(stopSignal: .term)))
        container.ask(.start)
        container.begin(.restart(grace: .seconds(20)))
        container.ask(.stop(grace: .seconds(1)))
        container.end()
        #expect(!container.hasProcess && container.log.last == "0s done")
        container.ask(.start)
        container.begin(.stop(grace: .seconds(20)))
        container.ask(.start)
        #expect(container.asked == .start)
        container.end()
        #expect(container.hasProcess && container.asked == nil && container.violations.isEmpty)
    }

    @Test(arguments: [
        ContainerPolicy(), ContainerPolicy(stopSignal: .term), ContainerPolicy(command: ["/usr/lib/systemd/systemd"]),
    ])
    func noSequenceLeadsToWhatMustNotBe(policy: ContainerPolicy) {
        let (finding, states) = LifecycleExploration(policy: policy) { NspawnLifecycle($0) }.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 50, "\(states)")
    }
}
