import Model
import Runtimes
import Testing
import Vocabulary

/// Kubernetes' lifecycle in virtual time.
@Suite("Kubernetes' lifecycle")
struct KubernetesLifecycleTests {
    private static func running(_ policy: ContainerPolicy = ContainerPolicy()) -> VirtualContainer<KubernetesLifecycle>
    {
        var container = VirtualContainer(KubernetesLifecycle(policy))
        container.ask(.start)
        return container
    }

    @Test func aPodThatSaysNothingHasThirtySeconds() {
        var container = Self.running()
        container.ask(.stop(grace: nil))
        container.pass(.seconds(40))
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGTERM", "30s grace over", "30s SIGKILL", "40s stopped", "40s done"])
    }

    /// kuberuntime_manager.go, minimumGracePeriodInSeconds: no less than two seconds, even where less is asked for.
    @Test(arguments: [Duration.zero, .milliseconds(500), .seconds(1), .seconds(2)])
    func twoSecondsAreTheLeast(grace: Duration) {
        var container = Self.running()
        container.ask(.stop(grace: grace))
        container.pass(.seconds(3))
        #expect(container.log == ["0s SIGTERM", "2s grace over", "2s SIGKILL"])
    }

    @Test func aNegativeGraceIsRefused() {
        var container = Self.running()
        container.ask(.stop(grace: .seconds(-1)))
        #expect(container.refusal == "kubernetes takes no negative grace period" && container.hasProcess)
    }

    /// kuberuntime_container.go, executePreStopHook: the hook's time counts, in whole seconds.
    @Test(arguments: [(5000, "5s", "30s"), (4999, "4s999ms", "30s999ms"), (0, "0s", "30s")])
    func aHookIsPartOfTheGracePeriod(milliseconds: Int, sent: String, killed: String) {
        var container = Self.running(ContainerPolicy(preStop: ["sleep", "5"]))
        container.ask(.stop(grace: nil))
        container.pass(.milliseconds(milliseconds))
        container.endHook()
        container.pass(.seconds(60))
        #expect(container.log.prefix(4) == ["0s hook", "\(sent) SIGTERM", "\(killed) grace over", "\(killed) SIGKILL"])
    }

    // MARK: - postStart (kuberuntime_container.go: startContainer)

    @Test func aPostStartHookIsOfEachStart() {
        var container = VirtualContainer(KubernetesLifecycle(ContainerPolicy(postStart: ["true"], restart: .always)))
        container.ask(.start)
        #expect(container.log == ["0s start on a new layer", "0s hook"] && container.asked == .start)
        container.endHook()
        #expect(container.asked == nil)
        container.end()
        container.pass(.seconds(1))
        #expect(container.hasProcess && container.hasHook)
    }

    /// FailedPostStartHook: it is stopped, with its preStop hook and its grace period, and comes again by its policy.
    @Test func whatHasFailedInItsPostStartHookIsStopped() {
        var container = VirtualContainer(
            KubernetesLifecycle(ContainerPolicy(postStart: ["false"], preStop: ["true"], restart: .always)))
        container.ask(.start)
        container.endHook(code: 1)
        container.endHook()
        #expect(container.log.suffix(2) == ["0s hook", "0s SIGTERM"] && container.asked == .start)
        container.end()
        #expect(container.log.contains("0s again after 0s") && container.asked == nil)
    }

    /// The worker is at the hook: a probe's kill comes after it.
    @Test func aFailedProbeWaitsForThePostStartHook() {
        var container = VirtualContainer(KubernetesLifecycle(ContainerPolicy(postStart: ["true"], restart: .always)))
        container.ask(.start)
        container.fail()
        #expect(container.log.last == "0s hook")
        container.endHook()
        #expect(container.log.last == "0s SIGTERM")
    }

    /// pod_workers.go: a deletion calls off what the pod's worker is at.
    @Test func aDeletionCallsThePostStartHookOff() {
        var container = VirtualContainer(KubernetesLifecycle(ContainerPolicy(postStart: ["sleep", "60"])))
        container.begin(.start)
        container.ask(.stop(grace: .seconds(5)))
        #expect(container.log == ["0s no hook", "0s SIGTERM"])
        container.end()
        #expect(container.log.suffix(2) == ["0s stopped", "0s done"] && container.violations.isEmpty)
    }

    /// One that takes the whole grace period is overtaken by the stop, which then has its least two seconds.
    @Test func aHookThatTakesTooLongIsNotWaitedFor() {
        var container = Self.running(ContainerPolicy(grace: .seconds(5), preStop: ["sleep", "100"]))
        container.ask(.stop(grace: nil))
        container.pass(.seconds(60))
        #expect(container.log == ["0s hook", "5s SIGTERM", "7s grace over", "7s SIGKILL"])
    }

    /// kuberuntime_container.go: the hook of a sidecar does not wait for its turn; what it has taken before does not count.
    @Test func aHookMayComeBeforeTheTurnOfTheSignal() {
        var container = Self.running(ContainerPolicy(preStop: ["sleep", "5"]))
        container.ask(.prepareStop)
        container.pass(.seconds(3))
        #expect(container.log == ["0s hook", "0s done"])
        container.ask(.stop(grace: .seconds(10)))
        container.pass(.seconds(2))
        container.endHook()
        #expect(container.log == ["2s SIGTERM"])
        var ready = Self.running(ContainerPolicy(preStop: ["true"]))
        ready.ask(.prepareStop)
        ready.endHook()
        ready.ask(.stop(grace: .seconds(10)))
        ready.pass(.seconds(11))
        #expect(ready.log == ["0s SIGTERM", "10s grace over", "10s SIGKILL"])
    }

    @Test func anEndDuringTheHookIsTheEnd() {
        var container = Self.running(ContainerPolicy(preStop: ["kill", "1"]))
        container.ask(.stop(grace: nil))
        container.end()
        #expect(container.log == ["0s hook", "0s stopped", "0s done"])
    }

    /// kubelet.go: the first restart comes at once, then after 10 s, doubled up to 300 s; a life of more than ten minutes begins anew.
    @Test func crashLoopBackOff() {
        var container = Self.running(ContainerPolicy(restart: .always))
        var delays: [String] = []
        for _ in 0..<8 {
            container.end(.exited(1))
            delays.append(container.log.last.map { String($0.split(separator: " ").last ?? "") } ?? "")
            container.pass(.seconds(300))
            #expect(container.hasProcess)
        }
        #expect(delays == ["0s", "10s", "20s", "40s", "1m20s", "2m40s", "5m", "5m"])
        container.pass(.seconds(601))
        container.end(.exited(1))
        #expect(container.log.last?.hasSuffix("again after 0s") == true)
    }

    /// A restart is a new container.
    @Test func onlyVolumesStay() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.end()
        container.pass(.seconds(1))
        #expect(container.log.last == "0s start by policy on a new layer")
        container.ask(.restart(grace: nil))
        container.end()
        #expect(container.log.suffix(2) == ["0s start on a new layer", "0s done"])
    }

    /// The kubelet does not know who has killed it.
    @Test(arguments: [Signal.kill, .term])
    func whatIsKilledOnTheNodeIsStartedAgain(signal: Signal) {
        var container = Self.running(ContainerPolicy(restart: .onFailure(limit: 1)))
        for _ in 0..<3 {
            container.ask(.kill(signal))
            container.end(.signaled(signal, dumpedCore: false))
            container.pass(.seconds(60))
        }
        #expect(container.hasProcess && container.count == 3)
    }

    @Test func aDeletedPodIsNotStartedAgain() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.ask(.stop(grace: nil))
        container.end()
        container.pass(.seconds(600))
        #expect(!container.hasProcess && container.machine.state == .exited)
    }

    @Test func whatCannotBeStartedIsTriedAgain() {
        var container = VirtualContainer(KubernetesLifecycle(ContainerPolicy(restart: .always)))
        container.startSucceeds = false
        container.ask(.start)
        container.pass(.seconds(11))
        #expect(container.log.filter { $0.contains("start by policy") }.count == 2)
    }

    @Test func theKubeletMayGo() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.ask(.replaceDaemon(isKilled: true))
        #expect(container.log == ["0s new daemon", "0s done"] && container.hasProcess)
    }

    @Test func aKillIsWaitedFor() {
        var container = Self.running()
        container.ask(.kill(.kill))
        #expect(container.log == ["0s SIGKILL"])
        container.end(.signaled(.kill, dumpedCore: false))
        #expect(container.log == ["0s SIGKILL", "0s done"])
    }

    /// A liveness probe stops it, and its policy starts it again; a deletion meanwhile sends nothing a second time, and only shortens the time.
    @Test func aLivenessProbeStopsIt() {
        var container = Self.running(ContainerPolicy(grace: .seconds(20), restart: .always))
        container.fail()
        container.pass(.seconds(5))
        container.end()
        container.pass(.milliseconds(1))
        #expect(container.hasProcess)
        container.fail()
        container.pass(.seconds(3))
        container.ask(.stop(grace: .seconds(4)))
        container.pass(.seconds(10))
        #expect(container.log == ["4s grace over", "4s SIGKILL"])
        var longer = Self.running(ContainerPolicy(grace: .seconds(5)))
        longer.fail()
        longer.pass(.seconds(3))
        longer.ask(.stop(grace: .seconds(60)))
        longer.pass(.seconds(10))
        #expect(longer.log == ["2s grace over", "2s SIGKILL"])
    }

    @Test func aHookRunsOnce() {
        var container = Self.running(ContainerPolicy(grace: .seconds(20), preStop: ["sleep"]))
        container.fail()
        container.pass(.seconds(1))
        container.ask(.stop(grace: .seconds(20)))
        container.pass(.seconds(2))
        container.endHook()
        #expect(container.log == ["2s SIGTERM"])
    }

    @Test func whatWillBeStoppedIsNotStartedAgain() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.end(.exited(1))
        container.pass(.milliseconds(1))
        container.end(.exited(1))
        container.ask(.prepareStop)
        container.pass(.seconds(60))
        #expect(!container.hasProcess && container.log == ["0s called off", "0s done"])
    }

    /// cri-o/cri-o#5148: from 1.18.0 to 1.22.0 real-time signals became SIGTERM.
    @Test(arguments: [
        ("cri-o:1.17.5", "SIGRTMIN+3"), ("cri-o:1.18", "SIGTERM"), ("cri-o:1.22.0", "SIGTERM"),
        ("cri-o:1.22.1", "SIGRTMIN+3"), ("cri-o:1.23.0", "SIGRTMIN+3"), ("cri-o", "SIGRTMIN+3"),
        ("containerd:1.22.0", "SIGRTMIN+3"),
    ])
    func someEnginesKnowNoRealTimeSignals(engine: String, sent: String) {
        var container = Self.running(
            ContainerPolicy(stopSignal: Signal(rawValue: 37), engine: ContainerEngine(engine)))
        container.ask(.stop(grace: nil))
        #expect(container.log == ["0s \(sent)"])
    }

    @Test(arguments: ["", "crio", "cri-o:", "cri-o:1.2.3.4", "cri-o:+1", "docker", "cri-o:1:2"])
    func whatIsNoEngine(text: String) { #expect(ContainerEngine(text) == nil) }

    @Test(arguments: [
        ContainerPolicy(), ContainerPolicy(restart: .always), ContainerPolicy(restart: .onFailure(limit: nil)),
        ContainerPolicy(preStop: ["true"]), ContainerPolicy(preStop: ["true"], restart: .always),
        ContainerPolicy(postStart: ["true"], preStop: ["true"], restart: .always),
    ])
    func noSequenceLeadsToWhatMustNotBe(policy: ContainerPolicy) {
        let (finding, states) = LifecycleExploration(policy: policy) { KubernetesLifecycle($0) }.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 100, "\(states)")
    }
}
