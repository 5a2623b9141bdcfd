import Language
import Model
import Testing

/// What may be wrong with scenarios of several containers.
@Suite("Several containers in a text")
struct SeveralContainersTests {
    /// A project of two, and its steps.
    private static func project(_ setup: String, _ steps: String = "stop\n  expect nobody killed") -> String {
        """
        scenario "x"
          runtime compose
          container db
            service postgres
          container api
            \(setup)
            service node

          start
          wait for node ready within 5s
          \(steps)

        """
    }

    private func messages(_ text: String) -> [String] {
        parseScenarios(Array(text.utf8), file: "x").diagnostics.map {
            "\($0.place.line):\($0.place.column) \($0.id.rawValue) \($0.message)"
                + ($0.suggestion.map { " → \($0)" } ?? "")
        }
    }

    @Test(arguments: [
        ("depends on bd", "5:13 unknown-service 'bd' is no container of this scenario → db"),
        ("depends on api", "5:13 cycle 'api' depends on itself, through others"),
        (
            "depends on db healthy",
            "5:13 undecidable 'api' waits for 'db' to be healthy, which has no 'health check'"
        ),
        ("service postgres", "6:13 duplicate there is a service 'postgres' in another container"),
        ("volume data at /x\n    volume data at /y", "7:12 duplicate there is a volume 'data' already"),
        ("runtime docker", "6:5 unknown-word 'runtime' is not a word of a container, but a word of a scenario"),
        ("start", "6:5 unknown-word 'start' is not a word of a container, but a word of a scenario → restart"),
        (
            "pid namespace shared",
            "6:5 unknown-word 'pid' is not a word of a container, but a word of a scenario → pids"
        ),
        ("pre-stop", "6:13 missing a command line is missing here"),
        ("command true", "7:13 conflict what the init is to run is given twice: by 'command' and by this service"),
    ])
    func whatIsWrongWithAContainer(setup: String, message: String) {
        #expect(messages(Self.project(setup)) == [message])
    }

    @Test(arguments: [
        ("expect exit 0", "11:3 undecidable of which container? write it in a block 'in NAME'"),
        ("kill\n  expect nobody killed", "11:3 undecidable of which container? write it in a block 'in NAME'"),
        ("in bd\n    expect exit 0", "11:6 unknown-service 'bd' is no container of this scenario → db"),
        (
            "in db\n    in api\n      stop\n    stop\n  expect nobody killed",
            "12:5 impossible this is in one container already"
        ),
        (
            "in db\n    close stdin\n  expect nobody killed",
            "12:5 impossible without 'stdin open' there is nothing to close"
        ),
        (
            "in db\n  expect nobody killed",
            "11:3 incomplete the steps that 'in' is about are missing: they go below it, indented"
        ),
        (
            "begin stop\n  expect no db ready within 5s",
            "11:3 impossible what is asked of several containers is waited for"
        ),
        ("expect nod ready", "11:10 unknown-service 'nod' is no service of this scenario → node"),
    ])
    func whatIsWrongWithASteps(steps: String, message: String) {
        #expect(messages(Self.project("env A=1", steps)) == [message])
    }

    @Test(arguments: [
        ("container api", "container db", "5:13 duplicate there is a container 'db' already"),
        (
            "runtime compose", "runtime docker",
            "3:13 conflict docker drives one container; compose and kubernetes drive several"
        ),
        (
            "runtime compose", "about reference",
            "3:13 incomplete say whose rules several containers go by: 'runtime compose' or 'runtime kubernetes'"
        ),
        ("container db", "sidecar db", "3:11 conflict compose has no sidecars: they are a pod's"),
        ("container db", "init container db", "3:18 conflict compose has no init containers: they are a pod's"),
        (
            "  container db\n", "  env A=1\n  container db\n",
            "1:1 conflict where there are several containers each has its own settings: write them in its block"
        ),
        (
            "  container db\n", "  post-start true\n  container db\n",
            "1:1 conflict where there are several containers each has its own settings: write them in its block"
        ),
        (
            "  container db\n", "  pid namespace shared\n  container db\n",
            "3:3 conflict under compose containers share no PID namespace, but one takes another's: a pod has one for all"
        ),
        (
            "  container db\n", "  service cron\n  container db\n",
            "3:11 conflict where there are several containers a service belongs to one of them"
        ),
        (
            "    service postgres\n", "    env B=1\n",
            "3:13 incomplete 'db' has neither a service, a command nor an image to start"
        ),
    ])
    func whatIsWrongWithTheWhole(part: String, other: String, message: String) {
        let text = Self.project("env A=1").replacing(part, with: other)
        #expect(messages(text) == [message])
    }

    /// What only waits for a circle is in none.
    @Test func theCircleItselfIsNamed() {
        let text = """
            scenario "x"
              runtime compose
              container web
                depends on api
                command true
              container api
                depends on db
                command true
              container db
                depends on api
                command true

              start
              in web
                expect state created

            """
        #expect(messages(text) == ["6:13 cycle 'api' depends on itself, through others"])
    }

    @Test func oneContainerNeedsNoBlock() {
        let text =
            "scenario \"x\"\n  service a\n\n  start\n  wait for a ready within 5s\n  in a\n    stop\n  expect exit 0\n  down\n"
        #expect(
            messages(text) == [
                "6:6 unknown-service this scenario has one container: what happens in it needs no block",
                "9:3 impossible 'down' is for several containers: 'stop' and 'recreate' are for one",
            ])
    }

    @Test func aPodIsStoppedAsAWhole() {
        let text = """
            scenario "x"
              runtime kubernetes
              container a
                service web

              start
              wait for web ready within 5s
              in a
                stop
              expect nobody killed

            """
        #expect(
            messages(text) == ["9:5 impossible kubernetes starts, stops and deletes pods, not one of their containers"])
        let dependent = text.replacing(
            "    service web\n", with: "    depends on b\n    service web\n  container b\n    command true\n")
        #expect(messages(dependent).first?.contains("the containers of a pod depend on nothing") == true)
    }
}
