import Language
import Model
import Runtimes
import Testing
import Vocabulary

/// A list of happenings, and what comes of it by the rules of a runtime.
@Suite("Simulation")
struct SimulationTests {
    private func lines(
        _ text: String, _ policy: ContainerPolicy = ContainerPolicy(), by runtime: Runtime = .docker
    ) throws -> [String] {
        let schedule = Simulation.schedule(try Happenings(text: text), policy, by: runtime)
        return schedule.entries.map { "\($0.at.text) \($0.text)" }
    }

    /// "How long until Docker starts it again?"
    @Test func aCrashLoop() throws {
        let lines = try lines(
            "exits 1 after 2s, 3 times; stop at 40s", ContainerPolicy(restart: .always))
        #expect(
            lines == [
                "0s start", "0s start 1", "2s PID 1 exits 1", "2s restart 1 in 100ms", "2s100ms start 2, by the policy",
                "4s100ms PID 1 exits 1", "4s100ms restart 2 in 200ms", "4s300ms start 3, by the policy",
                "6s300ms PID 1 exits 1", "6s300ms restart 3 in 400ms", "6s700ms start 4, by the policy", "40s stop",
                "40s SIGTERM", "40s PID 1 exits 0", "40s stopped",
            ])
    }

    @Test(arguments: [
        (Runtime.docker, ["100ms", "200ms", "400ms", "800ms"]), (.podman, ["0s", "0s", "0s", "0s"]),
        (.kubernetes, ["0s", "10s", "20s", "40s"]),
    ])
    func backOffs(runtime: Runtime, delays: [String]) throws {
        let lines = try lines("exits 1 after 1s, 4 times", ContainerPolicy(restart: .always), by: runtime)
        #expect(
            lines.filter { $0.contains(" in ") }.map { String($0.split(separator: " ").last ?? "") } == delays)
    }

    @Test func whatIgnoresTheStopIsKilled() throws {
        #expect(
            try lines("on stop nothing; stop grace 3s at 1s") == [
                "0s start", "0s start 1", "1s stop, grace 3s", "1s SIGTERM", "4s the grace period is over",
                "4s SIGKILL",
                "4s PID 1 dies of SIGKILL: 137", "4s stopped",
            ])
    }

    @Test func aHookThatTakesFiveSeconds() throws {
        #expect(
            try lines(
                "hook takes 5s; on stop nothing; stop at 0s", ContainerPolicy(preStop: ["sleep 5"]), by: .kubernetes)
                == [
                    "0s start", "0s start 1", "0s stop", "0s the preStop hook", "5s the hook ends", "5s SIGTERM",
                    "30s the grace period is over", "30s SIGKILL", "30s PID 1 dies of SIGKILL: 137", "30s stopped",
                ])
    }

    /// While it is frozen its own time does not pass, and Docker thaws it for a stop.
    @Test func whatIsFrozenEndsLater() throws {
        #expect(
            try lines("exits 0 after 10s; pause at 2s; resume at 5s") == [
                "0s start", "0s start 1", "2s pause", "2s frozen", "5s resume", "5s thawed", "13s PID 1 exits 0",
            ])
        #expect(
            try lines("on stop exits 0 after 1s; pause at 2s; stop at 5s").suffix(5) == [
                "5s stop", "5s SIGTERM", "5s thawed", "6s PID 1 exits 0", "6s stopped",
            ])
    }

    @Test func whatIsRefusedIsSaid() throws {
        #expect(try lines("pause at 1s; stop at 2s", by: .podman).last == "2s refused: the container is paused")
    }

    @Test func aLoopThatNeverEndsIsCut() throws {
        let schedule = Simulation.schedule(
            try Happenings(text: "exits 1 after 0s"), ContainerPolicy(restart: .always), by: .podman)
        #expect(schedule.isCut && schedule.entries.count <= 2010)
    }

    @Test(arguments: [
        ("exits 1 after 2", 15, "'2' is not a duration, such as 250ms or 10s"),
        ("exit 1 after 2s", 1, "'exit' is not known here; did you mean 'exits'?"),
        ("exits 256 after 2s", 7, "'256' is not a number from 0 to 255"),
        ("stop", 5, "'at' is missing here"),
        ("stop at 1s please", 12, "'please' is one word too many"),
        ("start at 1s; kill FOO at 2s", 19, "'FOO' is not a signal"),
        (
            "exits 0 after 1s; exits 1 after 1s", 35,
            "nothing comes after lives without number: say how many times before"
        ),
        ("exits 0 after 1s 2 time", 20, "'time' is not known here; did you mean 'times'?"),
        ("on stop exits 0 after -1s", 23, "'-1s' is not a duration, such as 250ms or 10s"),
        ("daemon goes at 1s", 8, "expected 'restarts', 'crashes', found 'goes'"),
    ])
    func mistakesHaveTheirPlace(text: String, column: Int, message: String) {
        do throws(Happenings.Mistake) {
            _ = try Happenings(text: text)
            Issue.record("no mistake")
        } catch {
            #expect(error.column == column && error.message == message, "\(error)")
        }
    }

    @Test func emptyIsAProgramThatRuns() throws {
        #expect(try lines("") == ["0s start", "0s start 1"])
        #expect(try lines(" ; ;\n") == ["0s start", "0s start 1"])
    }
}
