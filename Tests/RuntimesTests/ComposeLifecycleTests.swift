import Model
import Runtimes
import Testing
import Vocabulary

/// Compose's lifecycle in virtual time: where it differs from that of Docker's engine.
@Suite("Compose's lifecycle")
struct ComposeLifecycleTests {
    private static func running(_ policy: ContainerPolicy = ContainerPolicy()) -> VirtualContainer<ComposeLifecycle> {
        var container = VirtualContainer(ComposeLifecycle(policy))
        container.ask(.start)
        return container
    }

    /// pkg/utils/durationutils.go: the engine takes whole seconds, and what is left is cut off.
    @Test(arguments: [(500, "10ms"), (999, "10ms"), (1000, "1s"), (2700, "2s")])
    func theGracePeriodIsCutToWholeSeconds(milliseconds: Int, killed: String) {
        var byPolicy = Self.running(ContainerPolicy(grace: .milliseconds(milliseconds)))
        byPolicy.ask(.stop(grace: nil))
        byPolicy.pass(.seconds(5))
        var byRequest = Self.running()
        byRequest.ask(.stop(grace: .milliseconds(milliseconds)))
        byRequest.pass(.seconds(5))
        for log in [byPolicy.log, byRequest.log] {
            #expect(log == ["0s SIGTERM", "\(killed) grace over", "\(killed) SIGKILL"])
        }
    }

    /// down.go, stopContainer: the hook comes first, and has its own time.
    @Test func aHookIsNoPartOfTheGracePeriod() {
        var container = Self.running(ContainerPolicy(preStop: ["sleep", "20"]))
        container.ask(.stop(grace: .seconds(3)))
        container.pass(.seconds(20))
        container.endHook()
        container.pass(.seconds(5))
        #expect(container.log == ["0s hook", "20s SIGTERM", "23s grace over", "23s SIGKILL"])
    }

    @Test func aHookThatFailsEndsTheStop() {
        var container = Self.running(ContainerPolicy(preStop: ["false"]))
        container.ask(.stop(grace: nil))
        container.endHook(code: 1)
        #expect(container.refusal == "the pre_stop hook ended with 1" && container.hasProcess)
        #expect(container.log == ["0s hook", "0s refused: the pre_stop hook ended with 1"])
    }

    @Test func aHookEndsWithItsContainer() {
        var container = Self.running(ContainerPolicy(preStop: ["kill", "1"]))
        container.ask(.stop(grace: nil))
        container.end()
        #expect(container.refusal == "the pre_stop hook ended with 137")
    }

    /// down.go: NotFound and Conflict count as success, and then the engine is not asked at all.
    @Test func whatIsPausedIsNotStoppedWhereThereIsAHook() {
        var container = Self.running(ContainerPolicy(preStop: ["true"]))
        container.ask(.pause)
        container.ask(.stop(grace: nil))
        #expect(container.log == ["0s done"] && container.isFrozen && container.hasProcess)
        var without = Self.running()
        without.ask(.pause)
        without.ask(.stop(grace: nil))
        #expect(without.log == ["0s SIGTERM", "0s thaw"])
    }

    @Test func whatIsRestartingIsNotStoppedWhereThereIsAHook() {
        var container = Self.running(ContainerPolicy(preStop: ["true"], restart: .always))
        container.end(.exited(1))
        container.ask(.stop(grace: nil))
        container.pass(.seconds(1))
        #expect(container.log == ["0s done", "100ms start by policy"] && container.hasProcess)
    }

    /// docker/compose#13318: from 5.0 on a restart runs the hook, too.
    @Test(arguments: [(5, ["0s hook"]), (2, ["0s SIGTERM"])])
    func aRestartRunsHooksFromFiveOn(version: Int, log: [String]) {
        var container = Self.running(ContainerPolicy(preStop: ["true"], engineVersion: version))
        container.ask(.restart(grace: nil))
        #expect(container.log == log)
    }

    /// convergence.go: the old container is stopped, without its hook, before there is a new one.
    @Test func aNewContainerComesAfterAStop() {
        var container = Self.running(ContainerPolicy(preStop: ["true"]))
        container.ask(.recreate)
        container.pass(.seconds(2))
        container.end()
        #expect(container.log == ["0s SIGTERM", "2s stopped", "2s remove", "2s done"])
    }

    /// start.go: a start by hand runs the hook, and is over when it is; one by the engine's policy runs none.
    @Test func aPostStartHookIsOfStartsByHand() {
        var container = VirtualContainer(ComposeLifecycle(ContainerPolicy(postStart: ["true"], restart: .always)))
        container.ask(.start)
        #expect(container.log == ["0s start", "0s hook"] && container.asked == .start)
        container.endHook()
        #expect(container.asked == nil && container.refusal == nil)
        container.end(.exited(1))
        container.pass(.seconds(1))
        #expect(container.hasProcess && !container.hasHook)
        container.ask(.start)
        #expect(!container.hasHook && container.asked == nil)
        container.ask(.restart(grace: nil))
        container.end()
        #expect(container.hasHook)
    }

    /// The caller is told, and the container runs on.
    @Test func aPostStartHookThatFailsIsAnError() {
        var container = VirtualContainer(ComposeLifecycle(ContainerPolicy(postStart: ["false"])))
        container.ask(.start)
        container.endHook(code: 3)
        #expect(container.refusal == "the post_start hook ended with 3" && container.hasProcess)
        container.ask(.stop(grace: nil))
        container.end()
        container.ask(.start)
        container.end()
        #expect(container.refusal == "the post_start hook ended with 137")
    }

    /// Restart policies are the engine's.
    @Test func restartsAreTheEngines() {
        var container = Self.running(ContainerPolicy(restart: .always))
        container.end(.exited(1))
        #expect(container.log.last == "0s again after 100ms")
    }

    @Test(arguments: [
        ContainerPolicy(), ContainerPolicy(restart: .always), ContainerPolicy(restart: .onFailure(limit: 2)),
        ContainerPolicy(preStop: ["true"]), ContainerPolicy(preStop: ["true"], restart: .unlessStopped),
        ContainerPolicy(postStart: ["true"], preStop: ["true"], restart: .always),
    ])
    func noSequenceLeadsToWhatMustNotBe(policy: ContainerPolicy) {
        let (finding, states) = LifecycleExploration(policy: policy) { ComposeLifecycle($0) }.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 100, "\(states)")
    }
}
