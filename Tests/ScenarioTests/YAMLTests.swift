import Foundation
import Harness
import TestSupport
import Testing

/// YAML as people write it: a program of this machine makes JSON of it, in a container.
@Suite("YAML", .timeLimit(.minutes(5)), .enabled(if: Checkout.hasPython("yaml")))
struct YAMLTests {
    private func imported(_ file: String, _ environment: [String] = []) async throws -> Command.Outcome {
        try await blocking {
            try Command(
                [Checkout.harness, "import", file],
                environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"] + environment
            ).finish(within: .seconds(120))
        }
    }

    private func imported(text: String) async throws -> Command.Outcome {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).yaml"
        try Checkout.write(text, to: path)
        defer { unlink(path) }
        return try await imported(path)
    }

    private static let documents = Checkout.root + "/Tests/ImportTests/Documents/"

    /// Variables, an anchor, short forms, `no` as a text, a port that is no time.
    @Test func aComposeFileIsReadAsComposeReadsIt() async throws {
        let end = try await imported(Self.documents + "compose.yaml", ["MODE=test"])
        #expect(end.status == .exited(0))
        for line in [
            "scenario \"documents\"", "    stop signal SIGINT grace 1m", "    restart policy unless-stopped",
            "    volume data at /var/lib/postgresql/data",
            "    volume v2 at /docker-entrypoint-initdb.d from \(Self.documents)init", "    volume v3 at /var/cache",
            "    env MODE=test", "    arguments postgres -c max_connections=50 -c shared_buffers=64MB",
            "    memory limit 512MiB", "    health check every 1m30s /bin/sh -c \"pg_isready -U postgres\"",
            "    depends on db healthy", "    env B=yes", "    env D=$HOME", "    new privileges off",
        ] { #expect(end.output.split(separator: "\n").contains(line[...]), "\(line)\n\(end.output)") }
        #expect(!end.output.contains("UNSET_THING") && !end.output.contains("env C"))
        #expect(end.errors.contains("services.db.volumes[1]: ./init is the host's"))
    }

    /// A mark of the byte order, Compose's own tags, numbers as they are written, an init in front of all or of none.
    @Test func whatIsOddIsReadAllTheSame() async throws {
        let end = try await imported(
            text:
                "\u{FEFF}services:\r\n  a: {image: x, init: true, ports: !reset [], command: !override [b], environment: {V: 1.10, 1: one, \"true\": yes}}\r\n  c: {image: x}\r\n"
        )
        #expect(end.status == .exited(0))
        for line in ["    env V=1.10", "    env 1=one", "    env true=yes", "    arguments b", "  about none"] {
            #expect(end.output.split(separator: "\n").contains(line[...]), "\(line)\n\(end.output)")
        }
        #expect(end.errors == "harness: services.a: `init: true` is not carried over where other services have none\n")
    }

    /// JSON is YAML.
    @Test func jsonIsReadUnderAnyName() async throws {
        let end = try await imported(text: "{\"services\": {\"a\": {\"image\": \"x\"}}}")
        #expect(end.status == .exited(0) && end.output.contains("image docker:x"), "\(end.errors)")
    }

    @Test func ofSeveralManifestsThoseThatMakePodsAreRead() async throws {
        let end = try await imported(Self.documents + "manifest.yaml")
        #expect(end.status == .exited(0))
        for line in ["  stop signal SIGTERM grace 20s", "  pre-stop sleep 5", "  env A=yes", "  new privileges off"] {
            #expect(end.output.split(separator: "\n").contains(line[...]), "\(line)\n\(end.output)")
        }
        #expect(end.errors == "harness: Service front makes no pod\n")
    }

    /// Nothing in it is obeyed, and none is without end.
    @Test(arguments: [
        ("services:\n  a: [b\n  c: d: e\n", "it is no YAML: "),
        (
            "services:\n  a:\n    image: !!python/object/apply:os.system [\"echo obeyed\"]\n",
            "it is no YAML: could not determine a constructor"
        ),
        (
            "services: &a\n  x: {image: y}\n"
                + zip("bcdefghi", "abcdefgh").map {
                    "\($0): &\($0) [\(Array(repeating: "*\($1)", count: 10).joined(separator: ","))]\n"
                }
                .joined(), "it makes more than 8 MB of JSON"
        ),
        ("services: &a\n  b: *a\n", "it is no YAML: "),
        ("services:\n  a: {image: b, image: c}\n", "it is no YAML: the key 'image' is there twice"),
        ("services:\n  ? [a]\n  : {image: b}\n", "it is no YAML: a key is no text"),
        ("just words\n", "has neither 'services', as Compose's files, nor a 'kind', as Kubernetes'"),
        ("services: \(String(repeating: "[", count: 5000))\n", "it is no YAML: "),
        ("services:\n  a:\n    image: ${NOPE?set it}\n", "NOPE is not set: set it"),
        ("kind: Service\n", "is a Service, which makes no pod"), ("kind: [\n", "it is no YAML: "),
        ("services:\n  a:\n    volumes: [\"x:../../etc\"]\n", "'../../etc' is not an absolute path"),
        ("services:\n  a:\n    command: \"sh -c 'x\"\n", "a quote is not closed"),
    ])
    func whatCannotBeReadIsRefused(text: String, words: String) async throws {
        let end = try await imported(text: text)
        #expect(
            end.status == .exited(2) && end.errors.contains(words),
            "\(end.status) \(end.output.prefix(300))\(end.errors)")
        #expect(end.output.isEmpty && !end.errors.contains("obeyed"))
    }
}
