import HarnessTesting
import Testing

/// Scenarios that are written in Swift.
@Suite("The builder")
struct BuilderTests {
    @Test func aScenarioInSwiftIsThatOfTheText() throws {
        let built = Scenario("services stop in reverse order") {
            Tags("order", "stop")
            Requires(.supervision, .ordering)
            StopSignal(.term, grace: .seconds(2))
            Volume("data", at: "/data")
            Tmpfs("/run")
            ControlGroup(.readWrite)
            Terminal()
            Variable("GREETING", "hello, world")
            User(568, group: 568)
            Hostname("box")
            RootDirectory("/")
            Limit(processes: 100, memory: 64 << 20, layer: 1 << 20)
            ResourceLimit(.nofile, soft: 64, hard: nil)
            ReadOnlyRoot()
            File("/etc/app", mode: 0o600, text: "a\nb")
            Service("db").ready(after: .milliseconds(50)).stop(takes: .milliseconds(200)).writes(data: "/data/db")
            Service("api", after: "db").exits(3, on: .usr1).spawns(2, inOwnSession: true).leaves(zombies: 1)
            Start()
            Expect(.ready("db", "api.1"), within: .seconds(5))
            Wait(.milliseconds(10))
            Wait(for: .output(contains: "x"), within: .seconds(1))
            Send(.hup, to: "api")
            Crash("api")
            Orphan(5, from: "db", living: .milliseconds(10))
            Stop(grace: .seconds(1))
            Expect(.stopped("api", before: "db"))
            Expect(.received("db", signal: .term, times: 1, from: "init"))
            Expect(no: .killed("db"), for: .milliseconds(5))
            Expect(.file("/etc/app", .mode(0o600)))
            Expect(.data("/data/db", .clean))
            Expect(.exit(0))
            Expect(.noZombies)
        }
        let text = """
            scenario "services stop in reverse order"
              tags order, stop
              requires supervision, ordering
              stop signal SIGTERM grace 2s
              volume data at /data
              tmpfs /run
              cgroup rw
              terminal on
              env GREETING="hello, world"
              user 568:568
              hostname box
              rootfs /
              pids limit 100
              memory limit 64MiB
              layer limit 1MiB
              ulimit nofile 64:unlimited
              read-only root on
              file /etc/app mode 600
                | a
                | b
                |\\
              service db
                ready after 50ms
                stop takes 200ms
                writes data /data/db
              service api after db
                exits 3 on SIGUSR1
                spawns 2 children in own session
                leaves 1 zombie

              start
              expect db, api.1 ready within 5s
              wait 10ms
              wait for output contains "x" within 1s
              signal SIGHUP to api
              crash api
              orphan 5 from db living 10ms
              stop grace 1s
              expect api stopped before db
              expect db received SIGTERM once from init
              expect no db killed for 5ms
              expect file /etc/app mode 600
              expect data /data/db clean
              expect exit 0
              expect no zombies

            """
        #expect(parseScenarios(Array(text.utf8), file: "text").values == [built])
        #expect(built.text == text)
        #expect(built.diagnostics.isEmpty)
    }

    @Test func severalContainersCanBeWrittenToo() throws {
        let built = Scenario("the api before its database") {
            Driven(by: .compose, version: 2)
            Container("db") {
                HealthCheck(["test", "-e", "/up"], interval: .milliseconds(100), limit: .seconds(5), retries: 2)
                StopSignal(.int, grace: .seconds(3))
                Service("postgres").stop(takes: .milliseconds(100))
            }
            Container("api", dependsOn: [.init(on: "db", .healthy)]) {
                Volume("data", at: "/data")
                Service("node")
            }
            Start()
            Expect(.ready("postgres", "node"), within: .seconds(5))
            In("api") {
                Restart()
                Expect(.ready("node"), within: .seconds(5))
            }
            Down()
            Expect(.stopped("api", before: "db"))
        }
        let text = """
            scenario "the api before its database"
              runtime compose 2
              container db
                stop signal SIGINT grace 3s
                health check every 100ms within 5s retries 2 test -e /up
                service postgres
                  stop takes 100ms
              container api
                depends on db healthy
                volume data at /data
                service node

              start
              expect postgres, node ready within 5s
              in api
                restart
                expect node ready within 5s
              down
              expect api stopped before db

            """
        #expect(parseScenarios(Array(text.utf8), file: "text").values == [built])
        #expect(built.text == text)
        #expect(built.diagnostics.isEmpty)
        let pod = Scenario("a pod") {
            Driven(by: .kubernetes, with: ContainerEngine("cri-o:1.22.0"))
            Container("first", .initial) { Command("true") }
            Container("proxy", .sidecar) { Service("envoy") }
            Container("app") { Service("web") }
            Start()
            Expect(.ready("envoy", "web"), within: .seconds(5))
        }
        #expect(
            pod.text.contains(
                "runtime kubernetes with cri-o:1.22.0\n  init container first\n    command true\n  sidecar proxy"))
        #expect(pod.diagnostics.isEmpty)
    }

    @Test func whatIsNotWaitedForCanBeWrittenToo() {
        let built = Scenario("in the background") {
            Driven(by: .kubernetes)
            SharedPIDNamespace()
            PostStart("touch", "/up")
            Service("app")
            Start(isAwaited: false)
            Wait(for: .ready("app"), within: .seconds(5))
            Restart(grace: .seconds(2), isAwaited: false)
            Stop(grace: .seconds(1), isAwaited: false)
            ClientGoesAway()
            Expect(.state(.exited), within: .seconds(5))
        }
        let text = """
            scenario "in the background"
              runtime kubernetes
              pid namespace shared
              post-start touch /up
              service app

              begin start
              wait for app ready within 5s
              begin restart grace 2s
              begin stop grace 1s
              client goes away
              expect state exited within 5s

            """
        #expect(parseScenarios(Array(text.utf8), file: "text").values == [built])
        #expect(built.text == text)
    }

    @Test func theRestOfTheLanguageCanBeWrittenToo() {
        let built = Scenario("the rest of the language") {
            Driven(by: .kubernetes)
            PreStop("kill", "-RTMIN+3", "1")
            OnExit(restart: .onFailure(limit: 3))
            Volume("data", at: "/data")
            Entrypoint(marker: "/data/done", steps: ["schema"], command: ["sleep", "60"])
            Start()
            Restart(times: 2, grace: .seconds(1))
            Recreate()
            RemoveVolume("data")
            Pause()
            Resume()
            Exec("test", "-e", "/proc/1")
            Kill(.hup)
            Repeat(2) {
                Start()
                Stop()
            }
            Sweep(.kill, .range(from: .zero, to: .milliseconds(20), step: .milliseconds(5))) {
                Start()
                Expect(.stepRan("schema", times: 1))
            }
            for count in 1...2 { Expect(.initialised(times: count)) }
        }
        #expect(Set(built.diagnostics.map(\.id)) == [.tooEarly])
        #expect(built.steps.count == 12)
    }

    @Test func whatIsWrongWithItIsTold() {
        let built = Scenario("wrong in many ways") {
            Service("no name", after: "nobody")
            Start()
            Expect(.ready("nobody"))
        }
        #expect(built.diagnostics.contains { $0.id == .badValue })
        let unwritable = Scenario("a NUL \u{0} in it") {
            Service("app")
            Start()
            Expect(.noZombies)
        }
        #expect(unwritable.diagnostics.map(\.id) == [.notText])
    }

    @Test func everyLineKnowsItsPlace() {
        let line = #line
        let built = Scenario("places") {
            Service("app")
            Start()
            Expect(.noZombies)
        }
        #expect(built.place.line == line + 1)
        #expect(built.services[0].place.line == line + 2)
        #expect(built.steps.map(\.place.line) == [line + 3, line + 4])
        #expect(built.place.file == #filePath)
    }
}
