import Model
import Runtimes
import Testing
import Vocabulary

/// Podman's lifecycle in virtual time: what differs from Docker's, above all.
@Suite("Podman's lifecycle")
struct PodmanLifecycleTests {
    private static func running(_ policy: ContainerPolicy = ContainerPolicy()) -> VirtualContainer<PodmanLifecycle> {
        var container = VirtualContainer(PodmanLifecycle(policy))
        container.ask(.start)
        return container
    }

    @Test func killsAtTheEndOfTheGracePeriodAndGivesUpFiveSecondsLater() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(1)))
        container.pass(.seconds(60))
        #expect(container.log == ["0s SIGTERM", "1s grace over", "1s SIGKILL", "6s stop failed", "6s done"])
    }

    /// oci_conmon_common.go: the stop signal is sent only where there is time for it.
    @Test func withoutGraceThereIsOnlySIGKILL() {
        var container = Self.running()
        container.ask(.stop(grace: .zero))
        #expect(container.log == ["0s SIGKILL"])
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGKILL", "0s stopped", "0s done"])
    }

    /// Tried on 4.3.1: "saving container … state: container has already been removed".
    @Test func whatRemovesItselfIsGoneWithARestart() {
        var container = Self.running(ContainerPolicy(removesItself: true))
        container.ask(.restart(grace: nil))
        container.end()
        #expect(
            container.log == ["0s SIGTERM", "0s remove", "0s stopped", "0s refused: the container has removed itself"])
    }

    @Test func aNegativeGraceIsRefused() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(-1)))
        #expect(container.refusal == "podman takes no negative grace period" && container.hasProcess)
    }

    /// container_internal.go: a paused container is in no state to be stopped; a signal waits until it is resumed.
    @Test(arguments: [Request.stop(grace: .seconds(1)), .restart(grace: .seconds(1))])
    func whatIsPausedIsNotStopped(request: Request) {
        var container = Self.running()
        container.ask(.pause)
        container.ask(request)
        #expect(container.refusal == "the container is paused")
        container.ask(.kill(.term))
        #expect(container.log == ["0s SIGTERM", "0s done"] && container.isFrozen)
        container.ask(.kill(.kill))
        #expect(container.log == ["0s SIGKILL", "0s thaw"])
    }

    // MARK: - Several requests at once, as 4.3.1 answered them

    @Test(arguments: [(20, 2, "2s"), (2, 20, "1s500ms")])
    func theShorterOfTwoStopsKills(first: Int, second: Int, moment: String) {
        var container = Self.running()
        container.begin(.stop(grace: .seconds(first)))
        container.pass(.milliseconds(500))
        container.ask(.stop(grace: .seconds(second)))
        container.pass(.seconds(3))
        #expect(container.log == ["0s SIGTERM", "\(moment) grace over", "\(moment) SIGKILL"])
    }

    /// It is `stopping`, and only a stop and a kill are for that.
    @Test func whatIsBeingStoppedIsGoodForNothingElse() {
        var container = Self.running()
        container.begin(.stop(grace: .seconds(20)))
        for request in [Request.exec, .start, .pause, .restart(grace: .seconds(1))] {
            container.ask(request)
            #expect(container.refusal == "the container is being stopped", "\(request)")
        }
        container.begin(.restart(grace: nil))
        #expect(container.refusal == "the container is being stopped")
        container.ask(.kill(.term))
        #expect(container.refusal == nil)
        container.ask(.kill(.kill))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGKILL", "0s stopped", "0s done"] && container.machine.state == .exited)
    }

    @Test(arguments: [Request.stop(grace: .seconds(1)), .kill(.kill)])
    func aRestartThatWasBegunIsCarriedOut(request: Request) {
        var container = Self.running()
        container.begin(.restart(grace: .seconds(20)))
        container.ask(request)
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.hasProcess && container.asked == nil && container.violations.isEmpty)
    }

    /// There is no daemon: a stop ends with its client, and nothing kills.
    @Test func aStopWhoseClientIsGoneNeverKills() {
        var container = Self.running()
        container.begin(.stop(grace: .seconds(2)))
        container.dropClient()
        container.pass(.seconds(60))
        #expect(container.hasProcess && container.wakeAt == nil)
        container.ask(.stop(grace: .seconds(1)))
        container.pass(.seconds(1))
        #expect(container.log == ["0s SIGTERM", "1s grace over", "1s SIGKILL"])
    }

    /// container_create.go: SIGRTMIN+3 for systemd, where neither the user nor the image sets a signal.
    @Test(arguments: [
        (["/sbin/init"], Signal?.none, "SIGRTMIN+3"), (["/usr/sbin/init"], nil, "SIGRTMIN+3"),
        (["/usr/local/sbin/init"], nil, "SIGRTMIN+3"), (["/lib/systemd/systemd", "--user"], nil, "SIGRTMIN+3"),
        (["systemd"], nil, "SIGRTMIN+3"), (["/bin/sh", "-c", "/sbin/init"], nil, "SIGRTMIN+3"),
        (["/sbin/init"], .term, "SIGTERM"), (["/init"], nil, "SIGTERM"), (["/sbin/init.sh"], nil, "SIGTERM"),
        (["/entrypoint.sh", "/sbin/init"], nil, "SIGTERM"), ([], nil, "SIGTERM"),
    ])
    func systemdIsKnownByItsName(command: [String], stopSignal: Signal?, sent: String) {
        var container = Self.running(ContainerPolicy(stopSignal: stopSignal, command: command))
        container.ask(.stop(grace: .seconds(1)))
        #expect(container.log == ["0s \(sent)"])
    }

    /// container_internal.go, shouldRestart: neither delay nor back-off; always and unless-stopped are the same here.
    @Test(arguments: [RestartPolicy.always, .unlessStopped, .onFailure(limit: nil)])
    func whatEndsIsStartedAgainAtOnce(policy: RestartPolicy) {
        var container = Self.running(ContainerPolicy(restart: policy))
        for _ in 0..<3 {
            container.end(.exited(1))
            container.pass(.zero)
        }
        #expect(container.log.filter { $0 == "0s start by policy" }.count == 3 && container.count == 3)
    }

    @Test func onFailureCountsItsRestarts() {
        var container = Self.running(ContainerPolicy(restart: .onFailure(limit: 2)))
        for _ in 0..<3 {
            container.end(.exited(1))
            container.pass(.zero)
        }
        #expect(!container.hasProcess && container.machine.state == .exited)
        container.ask(.start)
        container.end(.exited(0))
        #expect(container.machine.state == .exited)
    }

    /// container_api.go, Kill: only SIGKILL is a stop (tried on 4.3.1, each signal with each policy); today every signal is one. A start by
    /// hand takes that back.
    @Test(arguments: [
        (Signal.hup, Int?.none, false), (.term, nil, false), (.kill, nil, true), (.hup, 6, true), (.term, 6, true),
        (.kill, 6, true),
    ])
    func whichSignalIsAStop(signal: Signal, version: Int?, isStop: Bool) {
        var container = Self.running(ContainerPolicy(restart: .always, engineVersion: version))
        container.ask(.kill(signal))
        container.end(.exited(1))
        #expect(container.machine.state == (isStop ? .exited : .restarting) && container.asked == nil)
        container.ask(.stop(grace: nil))
        container.ask(.start)
        container.end(.exited(1))
        #expect(container.machine.state == .restarting)
    }

    /// `podman rm -f` stops first, `docker rm -f` kills.
    @Test func aNewContainerComesAfterAStop() {
        var container = Self.running(ContainerPolicy(grace: .seconds(3)))
        container.ask(.recreate)
        container.pass(.seconds(3))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(
            container.log == ["0s SIGTERM", "3s grace over", "3s SIGKILL", "3s stopped", "3s remove", "3s done"])
    }

    @Test func thereIsNoDaemon() {
        var container = Self.running()
        container.ask(.replaceDaemon(isKilled: true))
        #expect(container.refusal == "podman has no daemon")
    }

    @Test(arguments: [
        ContainerPolicy(), ContainerPolicy(restart: .always), ContainerPolicy(restart: .onFailure(limit: 2)),
        ContainerPolicy(removesItself: true),
    ])
    func noSequenceLeadsToWhatMustNotBe(policy: ContainerPolicy) {
        let (finding, states) = LifecycleExploration(policy: policy) { PodmanLifecycle($0) }.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 100, "\(states)")
    }
}
