import Model
import Runtimes
import Testing
import Vocabulary

/// Compose's projects in virtual time.
@Suite("Compose's projects")
struct ComposeProjectTests {
    /// web comes after api, api after db.
    private static func three(
        _ db: VirtualEnsemble.Behaviour = .init(), condition: Model.Member.Condition = .started
    ) -> VirtualEnsemble {
        let policy = EnsemblePolicy([
            .init("web", dependencies: [.init(on: 1)]), .init("api", dependencies: [.init(on: 2, condition)]),
            .init("db"),
        ])
        return VirtualEnsemble(
            ComposeProject(policy),
            [("web", .init(stopTakes: .seconds(2))), ("api", .init(stopTakes: .seconds(1))), ("db", db)])
    }

    @Test func whatIsDependedOnComesFirst() {
        var project = Self.three()
        project.ask(.start)
        project.pass(.seconds(1))
        #expect(
            project.log == ["0s start db", "0s db runs", "0s start api", "0s api runs", "0s start web", "0s web runs"])
        #expect(project.answers == ["done"] && project.violations == [])
    }

    @Test func whatDependsOnOthersEndsFirst() {
        var project = Self.three()
        project.ask(.start)
        project.pass(.seconds(10))
        project.ask(.stop(grace: nil))
        project.pass(.seconds(10))
        #expect(
            project.log.suffix(6) == [
                "10s stop web", "12s web ended 0", "12s stop api", "13s api ended 0", "13s stop db", "13s db ended 0",
            ])
        #expect(project.answers == ["done", "done"])
    }

    /// What does not depend on each other is stopped at the same time (down.go).
    @Test func theRestGoesOnAtTheSameTime() {
        let policy = EnsemblePolicy([.init("a"), .init("b")])
        var project = VirtualEnsemble(
            ComposeProject(policy), [("a", .init(stopTakes: .seconds(3))), ("b", .init(stopTakes: .seconds(2)))])
        project.ask(.start)
        project.pass(.seconds(1))
        project.ask(.stop(grace: .seconds(5)))
        project.pass(.seconds(5))
        #expect(project.log.suffix(4) == ["1s stop a 5s", "1s stop b 5s", "3s b ended 0", "4s a ended 0"])
    }

    @Test func downRemovesInTheSameOrder() {
        var project = Self.three()
        project.ask(.start)
        project.pass(.seconds(1))
        project.ask(.down)
        project.pass(.seconds(10))
        #expect(
            project.log.filter { $0.contains("stop") || $0.contains("remove") } == [
                "1s stop web", "3s remove web", "3s stop api", "4s remove api", "4s stop db", "4s remove db",
            ])
    }

    /// restart.go: in the order of the start, and nothing is stopped before.
    @Test func aRestartGoesByTheOrderOfTheStart() {
        var project = Self.three()
        project.ask(.start)
        project.pass(.seconds(1))
        project.ask(.restart(grace: nil))
        project.pass(.seconds(1))
        #expect(project.log.suffix(3) == ["1s restart db", "1s restart api", "1s restart web"])
    }

    @Test func healthIsWaitedFor() {
        var project = Self.three(.init(healthyAfter: .seconds(7)), condition: .healthy)
        project.ask(.start)
        project.pass(.seconds(10))
        #expect(project.log.contains("7s start api") && project.answers == ["done"])
    }

    @Test func completionIsWaitedFor() {
        var project = Self.three(.init(endsAfter: (.seconds(3), code: 0)), condition: .completed)
        project.ask(.start)
        project.pass(.seconds(10))
        #expect(project.log.contains("3s start api") && project.answers == ["done"])
    }

    @Test func whatNeverBecomesWellIsAReason() {
        var unhealthy = Self.three(.init(unhealthyAfter: .seconds(7)), condition: .healthy)
        unhealthy.ask(.start)
        unhealthy.pass(.seconds(10))
        #expect(unhealthy.answers == ["dependency failed to start: db is unhealthy"])
        #expect(!unhealthy.log.contains { $0.contains("start api") })
        var gone = Self.three(.init(endsAfter: (.seconds(3), code: 4)), condition: .healthy)
        gone.ask(.start)
        gone.pass(.seconds(10))
        #expect(gone.answers == ["dependency failed to start: db exited (4)"])
        var failed = Self.three(.init(endsAfter: (.seconds(3), code: 4)), condition: .completed)
        failed.ask(.start)
        failed.pass(.seconds(10))
        #expect(failed.answers == ["service \"db\" didn't complete successfully: exit 4"])
    }

    @Test func whatIsRefusedIsTold() {
        var project = Self.three(.init(isRefused: true))
        project.ask(.start)
        project.pass(.seconds(1))
        #expect(project.answers == ["db: no"])
    }
}

/// Pods in virtual time.
@Suite("Pods")
struct PodTests {
    private static func pod(
        _ members: [(String, Model.Member.Role, VirtualEnsemble.Behaviour)], grace: Duration? = nil,
        withHealthChecks: Bool = false
    ) -> VirtualEnsemble {
        let policy = EnsemblePolicy(
            members.map { .init($0.0, role: $0.1, hasHealthCheck: withHealthChecks) }, grace: grace)
        return VirtualEnsemble(Pod(policy), members.map { ($0.0, $0.2) })
    }

    @Test func initContainersComeOneAfterTheOther() {
        var pod = Self.pod([
            ("one", .initial, .init(endsAfter: (.seconds(2), code: 0))),
            ("two", .initial, .init(endsAfter: (.seconds(3), code: 0))), ("a", .main, .init()), ("b", .main, .init()),
        ])
        pod.ask(.start)
        #expect(pod.answers == ["done"])
        pod.pass(.seconds(10))
        #expect(
            pod.log.filter { $0.contains("start") } == ["0s start one", "2s start two", "5s start a", "5s start b"])
        #expect(pod.violations == [])
    }

    @Test func whatFailsFirstHoldsUpTheRest() {
        var pod = Self.pod([
            ("one", .initial, .init(endsAfter: (.seconds(2), code: 1))), ("a", .main, .init()),
        ])
        pod.ask(.start)
        pod.pass(.seconds(10))
        #expect(pod.log == ["0s start one", "0s one runs", "2s one ended 1"])
    }

    @Test func aSidecarIsWaitedForUntilItIsHealthy() {
        let members: [(String, Model.Member.Role, VirtualEnsemble.Behaviour)] = [
            ("proxy", .sidecar, .init(healthyAfter: .seconds(4))), ("a", .main, .init()),
        ]
        var checked = Self.pod(members, withHealthChecks: true)
        checked.ask(.start)
        checked.pass(.seconds(10))
        #expect(checked.log.contains("4s start a"))
        var unchecked = Self.pod(members)
        unchecked.ask(.start)
        unchecked.pass(.seconds(10))
        #expect(unchecked.log.contains("0s start a"))
    }

    /// kuberuntime_termination_order.go: the main ones at the same time, the sidecars after them, the last first, in the rest of the time.
    @Test func sidecarsEndLast() {
        var pod = Self.pod(
            [
                ("first", .sidecar, .init(stopTakes: .seconds(1))), ("second", .sidecar, .init(stopTakes: .seconds(1))),
                ("a", .main, .init(stopTakes: .seconds(4))), ("b", .main, .init(stopTakes: .seconds(2))),
            ], grace: .seconds(20))
        pod.ask(.start)
        pod.pass(.seconds(10))
        pod.ask(.stop(grace: nil))
        pod.pass(.seconds(30))
        #expect(
            pod.log.filter { $0.contains("stop") || $0.contains("prepare") } == [
                "10s stop a 20s", "10s stop b 20s", "10s prepare first", "10s prepare second", "14s stop second 16s",
                "15s stop first 15s",
            ])
        #expect(pod.answers == ["done", "done"] && pod.violations == [])
    }

    /// A sidecar whose turn comes when the grace period is over has two seconds.
    @Test func twoSecondsAreLeftForASidecar() {
        var pod = Self.pod(
            [("proxy", .sidecar, .init(stopTakes: .seconds(9))), ("a", .main, .init(stopTakes: .seconds(60)))],
            grace: .seconds(5))
        pod.ask(.start)
        pod.pass(.seconds(1))
        pod.ask(.stop(grace: nil))
        pod.pass(.seconds(30))
        #expect(pod.log.suffix(3) == ["6s a ended 0", "6s stop proxy 2s", "8s proxy ended 0"])
    }

    /// When the main containers have done their work the sidecars are stopped, and the pod is complete.
    @Test func aPodIsCompleteWithoutItsSidecars() {
        var pod = Self.pod([
            ("proxy", .sidecar, .init(stopTakes: .seconds(1))),
            ("job", .main, .init(endsAfter: (.seconds(5), code: 0))),
        ])
        pod.ask(.start)
        pod.pass(.seconds(10))
        #expect(pod.log.suffix(3) == ["5s job ended 0", "5s stop proxy 30s", "6s proxy ended 0"])
        pod.ask(.stop(grace: nil))
        pod.pass(.seconds(10))
        #expect(pod.answers == ["done", "done"])
    }

    @Test func aPodThatFailsEndsWithItsSidecars() {
        var failed = Self.pod(
            [
                ("proxy", .sidecar, .init(stopTakes: .seconds(9))),
                ("first", .initial, .init(endsAfter: (.seconds(2), code: 1))), ("app", .main, .init()),
            ], grace: .seconds(3))
        failed.ask(.start)
        failed.pass(.seconds(20))
        #expect(failed.log.suffix(3) == ["2s first ended 1", "2s stop proxy 3s", "5s proxy ended 0"])
    }

    @Test func aRestartIsANewPod() {
        var pod = Self.pod([("a", .main, .init(stopTakes: .seconds(1)))])
        pod.ask(.start)
        pod.pass(.seconds(1))
        pod.ask(.restart(grace: nil))
        pod.pass(.seconds(5))
        #expect(
            pod.log.suffix(6) == [
                "1s stop a 30s", "2s a ended 0", "2s remove a", "2s a created", "2s start a", "2s a runs",
            ])
        #expect(pod.answers == ["done", "done"])
    }

    @Test func aNegativeGraceIsRefused() {
        var pod = Self.pod([("a", .main, .init())])
        pod.ask(.start)
        pod.ask(.stop(grace: .seconds(-1)))
        #expect(pod.answers == ["done", "kubernetes takes no negative grace period"])
    }

    @Test(arguments: [
        (Model.Member.Role.main, RestartPolicy.no, RestartPolicy.no), (.main, .always, .always),
        (.sidecar, .no, .always), (.initial, .no, .no), (.initial, .always, .onFailure(limit: nil)),
    ])
    func thePolicyGoesByTheRole(role: Model.Member.Role, pod: RestartPolicy, own: RestartPolicy) {
        #expect(Pod.restartPolicy(of: role, in: pod) == own)
    }
}
