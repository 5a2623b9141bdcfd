import Foundation
import Import
import Language
import Model
import Testing
import Vocabulary

/// What engines and orchestrators print, as scenarios.
@Suite("Imported documents")
struct ContainerDocumentTests {
    private static let folder =
        #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Documents/"

    private func document(_ name: String) throws -> [ImportedDocument] {
        try ContainerDocument.read(Array(try Data(contentsOf: URL(fileURLWithPath: Self.folder + name)))).documents
    }

    /// The set-up as the language writes it, without the line of the title.
    private func lines(_ document: ImportedDocument) -> [String] {
        document.scenario.text.split(separator: "\n").dropFirst().map { String($0.drop { $0 == " " }) }
    }

    /// Docker 20.10.
    @Test func whatDockerMadeIsMadeAgain() throws {
        let all = try document("docker-inspect.json")
        let one = try #require(all.first)
        #expect(
            lines(one) == [
                "stop signal SIGQUIT grace 5s", "restart policy on-failure:3", "volume data at /data",
                "volume v2 at /host from /srv/conf",
                "tmpfs /scratch options size=1048576,mode=700", "capability SYS_BOOT", "env A=b", "user 1000:1000",
                "hostname box",
                "image docker:app:1", "working directory /tmp", "pids limit 50", "memory limit 64MiB",
                "ulimit nofile 100:200",
                "read-only root on", "command /entry.sh one two",
                "health check every 500ms /bin/sh -c \"test -e /tmp/up\"",
            ])
        #expect(one.usesInit)
        #expect(one.remarks == ["[0].Mounts[1]: /srv/conf is a directory of the host: the container has a copy of it"])
    }

    /// Podman 4.3.
    @Test func whatPodmanMadeIsMadeAgain() throws {
        let one = try #require(try document("podman-inspect.json").first)
        let own = lines(one)
        for line in [
            "runtime podman", "stop signal SIGQUIT grace 5s", "restart policy on-failure:3", "volume data at /data",
            "user 1000:1000",
            "hostname box", "image podman:localhost/okh:latest", "working directory /tmp", "memory limit 64MiB",
            "pids limit 50",
            "read-only root on", "command /entry.sh one two", "tmpfs /scratch options size=1048576,mode=700",
        ] { #expect(own.contains(line), "\(line): \(own)") }
        #expect(one.remarks == [])
        #expect(!own.contains { $0.hasPrefix("env container=") || $0.hasPrefix("env HOSTNAME=") })
    }

    @Test func aProjectHasItsServices() throws {
        let one = try #require(try document("compose.json").first)
        #expect(
            lines(one) == [
                "runtime compose", "container db", "stop signal SIGTERM grace 1m", "restart policy unless-stopped",
                "volume data at /data",
                "env I=5", "env P=x", "image docker:db:1", "health check every 1s within 5s retries 3 /bin/sh -c true",
                "container web",
                "depends on db healthy", "stop signal SIGTERM", "image docker:web:1", "memory limit 64MiB",
                "ulimit nofile 100:200",
                "command /entry.sh x",
            ])
        #expect(
            one.remarks == [
                "services.web.deploy.replicas: there is one here, not 2",
                "services.web.userns_mode is not carried over",
            ])
    }

    /// What is switched off, and what Compose takes of Swarm.
    @Test(arguments: [
        ("\"healthcheck\":{\"disable\":true}", "no health check"),
        ("\"healthcheck\":{\"test\":[\"NONE\"]}", "no health check"),
        ("\"security_opt\":[\"no-new-privileges:true\"]", "new privileges off"),
        (
            "\"deploy\":{\"restart_policy\":{\"condition\":\"on-failure\",\"max_attempts\":2}}",
            "restart policy on-failure:2"
        ),
        ("\"deploy\":{\"restart_policy\":{}}", "restart policy always"),
        ("\"mem_limit\":\"64M\"", "memory limit 64MiB"), ("\"command\":\"a 'b c'\"", "arguments a \"b c\""),
        ("\"volumes\":[\"/data\"]", "volume v1 at /data"), ("\"volumes\":[\"d:/data:ro\"]", "volume d at /data"),
    ])
    func aServicesLinesAreCarriedOver(json: String, line: String) throws {
        let text = "{\"services\":{\"a\":{\"image\":\"x\",\(json)}}}"
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(lines(one).contains(line), "\(lines(one))")
    }

    /// A policy of the service itself wins over Swarm's.
    @Test func swarmsPolicyIsTheSecondChoice() throws {
        let text =
            "{\"services\":{\"a\":{\"image\":\"x\",\"restart\":\"no\",\"deploy\":{\"restart_policy\":{}}}}}"
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(one.scenario.restart == .no)
    }

    @Test(arguments: [
        ("[\"no-new-privileges\"]", true, 0), ("[\"no-new-privileges=true\"]", true, 0),
        ("[\"no-new-privileges:false\"]", false, 0), ("[\"seccomp=unconfined\"]", false, 1), ("null", false, 0),
    ])
    func dockersSecurityOptionsAreRead(options: String, isSet: Bool, remarks: Int) throws {
        let text =
            "[{\"Name\":\"/a\",\"Config\":{\"Image\":\"x\",\"Cmd\":[\"y\"],\"Healthcheck\":{\"Test\":[\"NONE\"]}},\"HostConfig\":{\"SecurityOpt\":\(options)}}]"
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(one.scenario.settings.hasNoNewPrivileges == isSet && one.remarks.count == remarks, "\(one.remarks)")
        #expect(one.scenario.hasNoHealthCheck && one.scenario.healthCheck == nil)
    }

    /// A user of no name and no number is told of.
    @Test(arguments: [":", ":5", "", "a:b", "5:"]) func anOddUserIsTold(user: String) throws {
        let text = "{\"services\":{\"a\":{\"image\":\"x\",\"user\":\"\(user)\"}}}"
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(one.scenario.settings.user == nil && one.remarks.isEmpty == user.isEmpty)
    }

    @Test func aDeploymentHasItsPod() throws {
        let one = try #require(try document("deployment.json").first)
        #expect(
            lines(one) == [
                "runtime kubernetes", "restart policy always", "init container migrate", "stop signal SIGTERM grace 5s",
                "image docker:app:1",
                "command /bin/true", "container app", "stop signal SIGTERM grace 5s", "pre-stop sleep 1",
                "volume tmp at /data empty",
                "env A=b", "user 1000:0", "image docker:app:1", "arguments serve", "memory limit 64MiB",
                "health check every 5s true",
            ])
        let place = "spec.template.spec.containers[0]"
        #expect(
            one.remarks == [
                "\(place).env[1]: S comes from elsewhere: give it with --env",
                "\(place).volumeMounts[1]: configMap is not carried over: nothing is at /cfg",
                "\(place).strange is not carried over",
            ])
    }

    /// A container of a pod, and a line that comes of it.
    @Test(arguments: [
        (#""args":["a"]"#, "arguments a"), (#""command":["a"],"args":["b"]"#, "command a b"),
        (#""tty":true"#, "terminal on"),
        (#""stdin":true"#, "stdin open"), (#""workingDir":"/x""#, "working directory /x"),
        (#""lifecycle":{"stopSignal":"SIGUSR1"}"#, "stop signal SIGUSR1"),
        (#""lifecycle":{"preStop":{"sleep":{"seconds":3}}}"#, "pre-stop sleep 3"),
        (#""lifecycle":{"postStart":{"exec":{"command":["x","y"]}}}"#, "post-start x y"),
        (#""securityContext":{"readOnlyRootFilesystem":true}"#, "read-only root on"),
        (#""securityContext":{"capabilities":{"add":["NET_ADMIN"]}}"#, "capability NET_ADMIN"),
        (#""resources":{"limits":{"memory":"1G"}}"#, "memory limit 976562KiB"),
        (#""volumeMounts":[{"name":"m","mountPath":"/m"}]"#, "tmpfs /m options exec,size=1048576"),
        (#""volumeMounts":[{"name":"e","mountPath":"/e"}]"#, "volume e at /e limit 2MiB empty"),
        (#""volumeMounts":[{"name":"p","mountPath":"/p"}]"#, "volume p at /p empty"),
    ])
    func eachFieldOfAPodHasItsLine(field: String, line: String) throws {
        let text = """
            {"kind":"Pod","metadata":{"name":"p"},"spec":{"volumes":[{"name":"m","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}},
            {"name":"e","emptyDir":{"sizeLimit":"2Mi"}},{"name":"p","persistentVolumeClaim":{"claimName":"c"}}],
            "containers":[{"name":"c","image":"i",\(field)}]}}
            """
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(lines(one).contains(line), "\(lines(one))")
        #expect(one.remarks == [])
        // And it is a scenario.
        var whole = one.scenario
        whole.steps = [Step(.start, place: .none), Step(.expect(Expectation(.state(.running))), place: .none)]
        #expect(
            !parseScenarios(Array(whole.text.utf8), file: "s").diagnostics.contains { $0.severity == .error },
            "\(whole.text)")
    }

    /// A service of a project, and a line that comes of it.
    @Test(arguments: [
        (#""init":true"#, nil),
        (#""stop_grace_period":"1m30s","stop_signal":"SIGINT""#, "stop signal SIGINT grace 1m30s"),
        (#""stop_grace_period":"500ms""#, "stop signal SIGTERM grace 500ms"),
        (#""tmpfs":["/t:size=1m"]"#, "tmpfs /t options size=1048576"),
        (#""environment":["A=b","C"]"#, "env A=b"), (#""entrypoint":["a"],"command":["b"]"#, "command a b"),
        (#""command":["b"]"#, "arguments b"),
        (#""entrypoint":["sh","-c","echo $$HOME"]"#, "command sh -c \"echo $HOME\""), (#""user":"5:6""#, "user 5:6"),
        (#""pre_stop":[{"command":["a","b"]}]"#, "pre-stop a b"),
        (#""deploy":{"resources":{"limits":{"memory":"67108864","pids":7}}}"#, "pids limit 7"),
        (#""read_only":true"#, "read-only root on"),
        (#""volumes":[{"type":"tmpfs","target":"/t"}]"#, "tmpfs /t"),
        (#""healthcheck":{"disable":true,"test":["CMD","a"]}"#, nil),
    ])
    func eachFieldOfAServiceHasItsLine(field: String, line: String?) throws {
        let text = #"{"name":"p","services":{"s":{"image":"i",\#(field)}}}"#
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        if let line { #expect(lines(one).contains(line), "\(lines(one))") }
        #expect(one.remarks == [])
    }

    /// What the language cannot say is left out, and said where it means something.
    @Test(arguments: [
        (#""working_dir":"/""#, nil), (#""command":[]"#, nil), (#""entrypoint":[]"#, nil),
        (#""pre_stop":[{"command":[]}]"#, nil),
        (#""pids_limit":100000"#, "services.s.pids_limit: 100000 processes are more than a container has here"),
        (#""mem_limit":"5242880""#, "services.s.mem_limit: a limit of 5242880 bytes cannot be had here"),
        (#""a\nstart":1"#, #"services.s.a\u{a}start is not carried over"#),
    ])
    func whatCannotBeSaidIsLeftOut(field: String, remark: String?) throws {
        let text = #"{"name":"p","services":{"s":{"image":"i",\#(field)}}}"#
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(lines(one) == ["runtime compose", "image docker:i"])
        #expect(one.remarks == (remark.map { [$0] } ?? []))
    }

    /// Names that the language writes alike are told apart.
    @Test func equalNamesAreToldApart() throws {
        let text = #"{"services":{"a.b":{"image":"i"},"a-b":{"image":"i"}}}"#
        let one = try #require(try ContainerDocument.read(Array(text.utf8)).documents.first)
        #expect(Set(one.scenario.members.map(\.name)) == ["a-b", "a-b-2"])
    }

    /// What is none, and the sentence that says so.
    @Test(arguments: [
        ("", "the document is no JSON"), ("7", "the document is to be an object or a list, and is a number"),
        ("[]", "the document is an empty list"),
        ("[1]", "the document is a list, and not of containers, as docker inspect prints them"),
        ("{}", "the document is neither what docker inspect, docker compose config nor kubectl get -o json prints"),
        (
            #"{"services":{}}"#,
            "the document is neither what docker inspect, docker compose config nor kubectl get -o json prints"
        ),
        (#"{"services":[1]}"#, "services is to be an object, and is a list"),
        (#"{"services":{"a":{"image":7.5}}}"#, "services.a.image is to be a text, and is a number"),
        (#"{"services":{"a":{"stop_signal":"NOPE"}}}"#, "services.a.stop_signal: 'NOPE' is no signal"),
        (#"{"services":{"a":{"stop_grace_period":"soon"}}}"#, "services.a.stop_grace_period: 'soon' is no duration"),
        (#"{"services":{"a":{"restart":"often"}}}"#, "services.a.restart: there is no restart policy 'often'"),
        (#"{"services":{"a":{"mem_limit":"much"}}}"#, "services.a.mem_limit: 'much' is no size"),
        (#"{"services":{"a":{"mem_limit":1e300}}}"#, "services.a.mem_limit is to be a text, and is a number"),
        (
            #"{"services":{"a":{"volumes":[{"type":"volume","target":"../x"}]}}}"#,
            "services.a.volumes[0].target: '../x' is not an absolute path"
        ),
        (#"{"services":{"a":{"command":["a\u0000b"]}}}"#, "services.a.command[0] has a NUL in it"),
        (
            #"{"services":{"a":{"depends_on":{"b":{"condition":"x"}}}}}"#,
            "services.a.depends_on.b.condition: there is no condition 'x'"
        ),
        (#"{"kind":"Service","spec":{"a":1}}"#, "the document is a Service, which makes no pod"),
        (#"{"kind":"Pod"}"#, "the document has no 'spec'"), (#"{"kind":"List","items":[]}"#, "the list has no objects"),
        (#"{"kind":"Pod","spec":{"containers":[]}}"#, "spec has no containers"),
        (#"{"kind":"Pod","spec":{"containers":[{"image":"a"}]}}"#, "spec.containers[0] has no 'name'"),
        (#"{"kind":"Pod","spec":{"containers":{"name":"a"}}}"#, "spec.containers is to be a list, and is an object"),
        (
            #"{"kind":"Pod","spec":{"restartPolicy":"x","containers":[{"name":"a"}]}}"#,
            "spec.restartPolicy: there is no restart policy 'x'"
        ),
        (
            #"{"kind":"Pod","spec":{"terminationGracePeriodSeconds":"x","containers":[{"name":"a"}]}}"#,
            "spec.terminationGracePeriodSeconds is to be a number, and is a text"
        ),
        (
            #"{"kind":"Pod","spec":{"containers":[{"name":"a","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}"#,
            "spec.containers[0].volumeMounts[0]: the pod has no volume 'v'"
        ),
        (
            #"{"kind":"Pod","spec":{"containers":[{"name":"a","securityContext":{"runAsUser":-1}}]}}"#,
            "spec.containers[0].securityContext: -1 is no user's number"
        ),
        (#"[{"Config":{"Env":"A"},"HostConfig":{"a":1}}]"#, "[0].Config.Env is to be a list, and is a text"),
        (#"[{"Config":{"Tty":"x"},"HostConfig":{"a":1}}]"#, "[0].Config.Tty is to be true or false, and is a text"),
        (
            #"[{"Config":{"a":1},"HostConfig":{"RestartPolicy":{"Name":"x"}}}]"#,
            "[0].HostConfig.RestartPolicy: there is no restart policy 'x'"
        ),
    ])
    func whatIsNoneIsRefused(text: String, words: String) {
        #expect { try ContainerDocument.read(Array(text.utf8)) } throws: { "\($0)" == words }
    }

    /// Very deep, very long.
    @Test func whatIsTooMuchIsRefused() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: ImportError.self) { try ContainerDocument.read(Array(deep.utf8)) }
        let long = #"{"services":{"a":{"image":""# + String(repeating: "x", count: 5_000_000) + #""}}}"#
        #expect { try ContainerDocument.read(Array(long.utf8)) } throws: {
            "\($0)" == "the document has more than 4 MiB"
        }
        let many =
            #"{"services":{"a":{"x":"# + String(repeating: "[", count: 400) + String(repeating: "]", count: 400) + "}}}"
        #expect(throws: Never.self) { try ContainerDocument.read(Array(many.utf8)) }
    }
}
