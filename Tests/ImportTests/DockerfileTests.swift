import Import
import Testing

/// Where a Dockerfile says what.
@Suite("Dockerfiles")
struct DockerfileTests {
    private static let text = """
        # syntax=docker/dockerfile:1
        FROM golang AS build
        ENTRYPOINT ["/nope"]
        FROM debian:12
        RUN <<-"MY-EOF"
        ENTRYPOINT ["/neither"]
        MY-EOF
        RUN apt-get update && \\
            # a remark between
            apt-get install -y busybox
        COPY --chmod=755 docker/entry.sh tools/ /usr/local/bin/
        user app
          STOPSIGNAL SIGINT
        ENTRYPOINT ["/usr/local/bin/entry.sh", "serve"]
        """

    @Test func theLastStagesInstructionsAreKnownByTheirLines() {
        let file = Dockerfile(Self.text)
        #expect(file.instructions.map(\.name) == ["FROM", "RUN", "RUN", "COPY", "USER", "STOPSIGNAL", "ENTRYPOINT"])
        #expect(file.instructions.map(\.line) == [4, 5, 8, 11, 12, 13, 14])
        #expect(file.instruction("CMD", "ENTRYPOINT")?.line == 14)
        #expect(file.instruction("VOLUME") == nil)
    }

    @Test(arguments: [
        ("COPY docker/entry.sh /usr/local/bin/", "docker/entry.sh"),
        ("COPY entry.sh /usr/local/bin/entry.sh", "entry.sh"),
        ("COPY [\"a dir/entry.sh\", \"/usr/local/bin/\"]", "a dir/entry.sh"),
        ("ADD ./entry.sh /usr/local/bin/", "./entry.sh"),
        ("COPY --from=build /out/entry.sh /usr/local/bin/", nil), ("COPY other.sh /usr/local/bin/", nil), ("", nil),
    ])
    func theProgramIsFoundInTheContext(copy: String, path: String?) {
        let file = Dockerfile("FROM x\n\(copy)\nENTRYPOINT [\"/usr/local/bin/entry.sh\"]\n")
        #expect(file.programInContext == path)
    }

    @Test(arguments: ["", "\\", "FROM", "FROM x\nENTRYPOINT", "ENTRYPOINT [", "RUN <<EOF\nnever", "\u{0}\n\r\n\\\r\n"])
    func nothingTrapsIt(text: String) {
        #expect(Dockerfile(text).programInContext == nil)
    }
}
