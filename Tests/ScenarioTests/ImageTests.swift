import Foundation
import Harness
import Kernel
import TestSupport
import Testing

/// Images as they are saved, and what is none.
@Suite("Images", .timeLimit(.minutes(5)))
struct ImageTests {
    /// Runs a shell script in a folder of its own, with functions that make images, and `harness` in its path.
    private func shell(_ script: String) async throws -> Command.Outcome {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { _ = try? Command(["rm", "-rf", folder]).finish() }
        try Checkout.write(Self.functions, to: folder + "/functions")
        let bin = Checkout.harness.replacingOccurrences(of: "/harness", with: "", options: [.backwards, .anchored])
        let environment = [
            "PATH=\(bin):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)", "XDG_CACHE_HOME=\(folder)/cache",
        ]
        return try await blocking {
            try Command(
                ["timeout", "400", "sh", "-c", "cd \(folder) || exit\n. ./functions\n\(script)"],
                environment: environment
            )
            .finish()
        }
    }

    private static let functions = #"""
        sha() { sha256sum < "$1" | cut -d ' ' -f 1; }
        pack() { tar --sort=name --mtime=@0 --numeric-owner -C "$1" -cf "$1.tar" .; }
        # blob FILE: puts it into the layout, and prints "digest":…,"size":…
        blob() {
            mkdir -p lay/blobs/sha256; cp "$1" "lay/blobs/sha256/$(sha "$1")"
            printf '"digest":"sha256:%s","size":%s' "$(sha "$1")" "$(stat -c %s "$1")"
        }
        # layout CONFIG LAYER…: an OCI layout in lay/; a layer is an archive, compressed or not
        layout() {
            config=$1; shift; layers= diffs=
            for layer in "$@"; do
                layers="$layers${layers:+,}{$(blob "$layer")}"
                case $layer in *.gz) gzip -dc "$layer" > plain;; *.zst) zstd -qdc "$layer" > plain;; *) cp "$layer" plain;; esac
                diffs="$diffs${diffs:+,}\"sha256:$(sha plain)\""
            done
            architecture=$(dpkg --print-architecture 2> /dev/null || echo amd64)
            printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"diff_ids":[%s]}}' "$architecture" "$config" "$diffs" > configuration
            printf '{"config":{%s},"layers":[%s]}' "$(blob configuration)" "$layers" > manifest
            printf '{"manifests":[{%s}]}' "$(blob manifest)" > lay/index.json
            echo '{"imageLayoutVersion":"1.0.0"}' > lay/oci-layout
        }
        # run IMAGE COMMAND…: runs a fake service in a container of an image, and says how that went
        scenario() { printf 'scenario "s"\n  about reference\n  image %s\n  service app\n\n  start\n%s\n' "$1" "$2" > s.scenario; harness run --no-config s.scenario "${3:---quiet}"; }
        """#

    /// What is on top, what is hidden, and what is linked, as Podman unpacks the same layers.
    @Test func layersAreStackedAsByTheEngines() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/a one/b one/d/e one/both one/usr/bin
            echo keep > one/a/keep; echo gone > one/a/gone; echo 1 > one/b/old; echo f > one/d/e/f; echo low > one/both/low
            ln -s usr/bin one/bin; echo x > one/usr/bin/x; echo hard > one/hard; ln one/hard one/hard2; chmod 4755 one/usr/bin/x
            chown 5:6 one/a; chmod 750 one/a; ln -s b one/link
            mkdir -p two/a two/b two/both; touch two/a/.wh.gone two/b/.wh..wh..opq two/.wh.d two/.wh.both
            echo 2 > two/b/new; echo up > two/both/up; chown 5:6 two/a; chmod 755 two/a; echo 'a b' > 'two/with space'; mkfifo two/pipe
            mkdir -p three/usr/bin; echo y > three/usr/bin/y; echo 'a file now' > three/d
            for layer in one two three; do pack $layer; done
            second=two.tar; if command -v zstd > /dev/null; then zstd -q two.tar; second=two.tar.zst; fi; gzip three.tar
            layout '{}' one.tar $second three.tar.gz
            scenario lay '  wait for app ready within 5s
              expect file /a/keep contains "keep"
              expect file /a mode 755
              expect file /a owner 5:6
              expect no file /a/gone exists
              expect file /b/new exists
              expect no file /b/old exists
              expect file /link/new exists
              expect no file /d/e exists
              expect file /d contains "a file now"
              expect file /both/low exists
              expect file /both/up exists
              expect file /bin/x mode 4755
              expect file /bin/y exists
              expect file "/with space" contains "a b"
              expect file /hard2 contains "hard"' --verbose
            ls cache/harness/images/layers | wc -l; ls cache/harness/images | grep -c staging
            """#)
        #expect(end.output.contains("1 passed, 0 failed"), "\(end.output)\(end.errors)")
        #expect(end.output.hasSuffix("3\n0\n"), "\(end.output)")
    }

    /// The image's health check is asked, and not where the scenario says so.
    @Test func theHealthCheckCanBeSwitchedOff() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/etc; echo hello > one/etc/motd; pack one
            layout '{"Healthcheck":{"Test":["CMD","/bin/false"],"Interval":50000000,"Retries":1}}' one.tar
            head='scenario "s"\n  about none\n  image lay\n  command /.harness/fake-services pause\n'
            printf "$head\n  start\n  expect state unhealthy within 5s\n" > s.scenario
            harness run --no-config s.scenario --quiet
            printf "$head  no health check\n\n  start\n  expect state running for 500ms\n" > s.scenario
            harness run --no-config s.scenario --verbose | grep -c 'health check: '
            printf "$head  no health check\n\n  start\n  expect state unhealthy within 5s\n" > s.scenario
            harness lint s.scenario 2>&1 | grep -c "nobody knows how it is"
            """#)
        #expect(
            end.output.contains("1 passed, 0 failed") && end.output.hasSuffix("\n0\n1\n"), "\(end.output)\(end.errors)")
    }

    /// More layers than their paths would have room on one page.
    @Test func manyLayersAreStacked() async throws {
        let end = try await shell(
            #"""
            layers=
            for number in $(seq 60); do mkdir -p $number/etc; echo $number > $number/etc/$number; pack $number; layers="$layers $number.tar"; done
            layout '{}' $layers
            scenario lay '  wait for app ready within 5s
              expect file /etc/1 contains "1"
              expect file /etc/60 contains "60"'
            """#)
        #expect(end.output.contains("1 passed"), "\(end.output)\(end.errors)")
    }

    /// Two layers with the same content, as steps that change nothing leave them; overlayfs takes no layer twice.
    @Test func equalLayersAreOne() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/etc two/etc; echo 1 > one/etc/motd; echo 2 > two/etc/motd; pack one; pack two
            layout '{}' one.tar two.tar one.tar
            scenario lay '  wait for app ready within 5s
              expect file /etc/motd contains "1"'
            """#)
        #expect(end.output.contains("1 passed"), "\(end.output)\(end.errors)")
    }

    /// A hard link to what is in a lower layer, and a link in its way that leads out: Podman and Docker refuse the first.
    @Test func aLayerIsCompleteInItself() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/a two/a; echo x > one/a/x; pack one
            echo x > two/a/x; ln two/a/x two/b; tar -C two -cf two.tar ./a ./a/x ./b
            rm -r two; mkdir two; ln -s $PWD/outside two/a; tar -C two -cf link.tar ./a; mkdir outside
            # Only the name and its link: what it leads to is below.
            tar --delete -f two.tar ./a/x ./a; tar -A -f two.tar link.tar
            layout '{"Cmd":["a"]}' one.tar two.tar; harness check lay --only start; echo "status $?"; ls outside | wc -l
            """#)
        #expect(end.output.hasSuffix("status 3\n0\n"), "\(end.output)\(end.errors)")
        #expect(
            end.errors.contains("lay, layer 2 of 2: tar: ") && end.errors.contains("Cannot hard link"), "\(end.errors)")
    }

    /// The same image as each kind of file that it may be in: one layer, and one exported root.
    @Test func everyKindOfArchiveIsRead() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/etc; echo hello > one/etc/motd; pack one; layout '{"Env":["A=b"]}' one.tar
            expect='  wait for app ready within 5s
              expect file /etc/motd contains "hello"'
            scenario lay "$expect"
            tar -C lay -cf oci.tar .; scenario oci.tar "$expect"; gzip -k oci.tar; scenario oci.tar.gz "$expect"
            mkdir saved; cp one.tar saved/layer.tar; cp configuration saved/$(sha configuration).json
            printf '[{"Config":"%s.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]' $(sha configuration) > saved/manifest.json
            tar -C saved -cf saved.tar .; scenario saved.tar "$expect"; scenario saved.tar "$expect"
            scenario one.tar "$expect"; scenario one "$expect"
            ls cache/harness/images/layers | wc -l
            """#)
        #expect(end.output.split(separator: "\n").count { $0.hasPrefix("1 passed") } == 7, "\(end.output)\(end.errors)")
        #expect(end.output.hasSuffix("\n2\n"), "\(end.output)")
    }

    /// A file that is no image, a line of what makes it, and what is said of it.
    private static let refused: [(name: String, script: String, words: String)] = [
        ("nothing", "", "there is no x"),
        ("an empty file", ": > x", "x is empty"),
        ("a Dockerfile", "printf 'FROM debian\\nRUN true\\n' > x", "x is a Dockerfile"),
        ("a pod", "printf 'apiVersion: v1\\nkind: Pod\\n' > x", "x: the document has no 'spec'"),
        ("a compose file", "printf 'services:\\n  a: {}\\n' > x", "x names no image: give it with --image"),
        ("JSON", "echo '{\"a\": 1}' > x", "x: the document is neither what docker inspect"),
        ("a text", "echo hello > x", "x is a text, and no image"),
        ("random bytes", "head -c 4096 /dev/zero | tr '\\0' '\\377' > x", "x: tar: "),
        ("a FIFO", "mkfifo x", "x is neither a file nor a directory"),
        ("an archive of one file", "echo a > a; tar -cf x a", "x has neither an image nor a root file system in it"),
        ("an archive that breaks off", "head -c 1700 one.tar > x", "x: tar: Unexpected EOF"),
        ("gzip that breaks off", "gzip -c one.tar | head -c 100 > x", "x: it is damaged: gzip: "),
        ("a manifest that is no JSON", "echo '[{' > lay/manifest.json; mv lay x", "x: manifest.json is no JSON"),
        (
            "a manifest with a number", "echo '[{\"Config\": 7, \"Layers\": []}]' > lay/manifest.json; mv lay x",
            "x: manifest.json has something else than a text at [0].Config"
        ),
        ("a manifest of nothing", "echo '[]' > lay/manifest.json; mv lay x", "x: manifest.json names no image"),
        (
            "a path that leads out", "echo '[{\"Config\": \"../c\", \"Layers\": []}]' > lay/manifest.json; mv lay x",
            "x: manifest.json names '../c', which is no path inside the archive"
        ),
        (
            "a link that leads out", "ln -sf /etc/passwd lay/manifest.json; mv lay x",
            "x: there is no manifest.json in it"
        ),
        ("an index of nothing", "echo '{\"manifests\": []}' > lay/index.json; mv lay x", "x: the index names no image"),
        (
            "a digest that is none", "sed -i 's/sha256:[0-9a-f]*/sha256:..\\/..\\/x/' lay/index.json; mv lay x",
            "' is no digest"
        ),
        (
            "a size that lies", "sed -i 's/\"size\":[0-9]*/\"size\":7/' lay/index.json; mv lay x",
            "bytes, and is to have 7"
        ),
        (
            "a size of minus one", "sed -i 's/\"size\":[0-9]*/\"size\":-1/' lay/index.json; mv lay x",
            "a size of -1 bytes"
        ),
        (
            "a size that no number holds", "sed -i 's/\"size\":[0-9]*/\"size\":1e400/' lay/index.json; mv lay x",
            "x: the index "
        ),
        (
            "a configuration that was changed",
            "f=lay/blobs/sha256/$(sha configuration); sed -i s/linux/linuy/ $f; mv lay x", "is to be sha256:"
        ),
        (
            "a layer that was changed",
            "f=lay/blobs/sha256/$(sha one.tar); printf X | dd of=$f bs=1 seek=700 conv=notrunc 2> /dev/null; mv lay x",
            "is to be sha256:"
        ),
        (
            "a layer that is not there", "rm lay/blobs/sha256/$(sha one.tar); mv lay x",
            "x, layer 1 of 1: there is no blobs/sha256/"
        ),
        (
            "a configuration that names another layer",
            "rm -r lay; layout '{}' one.tar; sed -i 's/sha256:[0-9a-f]*/sha256:'$(head -c 64 /dev/zero | tr '\\0' a)'/' configuration; "
                + "printf '{\"config\":{%s},\"layers\":[{%s}]}' \"$(blob configuration)\" \"$(blob one.tar)\" > manifest; "
                + "printf '{\"manifests\":[{%s}]}' \"$(blob manifest)\" > lay/index.json; mv lay x",
            "x, layer 1 of 1: unpacked it is to be sha256:aaaa"
        ),
        (
            "another architecture",
            "rm -r lay; layout '{}' one.tar; sed -i 's/\"architecture\":\"[a-z0-9]*\"/\"architecture\":\"s390x\"/' configuration; "
                + "printf '{\"config\":{%s},\"layers\":[{%s}]}' \"$(blob configuration)\" \"$(blob one.tar)\" > manifest; "
                + "printf '{\"manifests\":[{%s}]}' \"$(blob manifest)\" > lay/index.json; mv lay x",
            "x is an image for s390x, and this machine is"
        ),
        ("deep JSON", "head -c 100000 /dev/zero | tr '\\0' '[' > lay/index.json; mv lay x", "x: the index is no JSON"),
        (
            "long JSON", "head -c 5000000 /dev/zero | tr '\\0' ' ' > lay/index.json; mv lay x",
            "x: index.json has more than 4 MiB"
        ),
        (
            "a stop signal that is none", "rm -r lay; layout '{\"StopSignal\":\"SIGNOPE\"}' one.tar; mv lay x",
            "StopSignal 'SIGNOPE' is no signal"
        ),
        (
            "a NUL in a variable", "rm -r lay; layout '{\"Env\":[\"A=\\u0000\"]}' one.tar; mv lay x",
            "a text has a NUL in it"
        ),
        (
            "a relative volume", "rm -r lay; layout '{\"Volumes\":{\"data\":{}}}' one.tar; mv lay x",
            "'data' is not an absolute path"
        ),
        (
            "a user that is not there",
            "rm -r lay; layout '{\"User\":\"nobody-here\",\"Cmd\":[\"a\"]}' one.tar; mv lay x",
            "unable to find user nobody-here"
        ),
        (
            "directories without end", "mkdir -p deep/$(seq -s / 300); tar -cf x deep",
            "x: directories in it are nested more than 200 deep"
        ),
        ("a name that leads out", "mkdir -p d/e; echo bad > evil; tar -C d -cPf x ../evil e; rm evil", "x: tar: "),
        (
            "a link out, and a file through it",
            "mkdir -p a b; ln -s $PWD/outside a/l; mkdir b/l; echo bad > b/l/f; tar -C a -cf x .; tar -C b -rf x l/f; mkdir outside",
            "x: tar: "
        ),
        ("bytes of another kind", "head -c 4096 /dev/urandom > x", "x: tar: "),
    ]

    /// Each is refused with a sentence, status 3 (2: a document), nothing outside the cache is written, and no half of a layer stays.
    @Test func whatIsNoImageIsRefused() async throws {
        var script =
            "mkdir -p one/etc; echo hello > one/etc/motd; pack one; layout '{}' one.tar; mkdir start; mv * start 2> /dev/null\n"
        for (number, one) in Self.refused.enumerated() {
            script += """
                cp -r start t\(number); cp functions t\(number) 2> /dev/null; (cd t\(number) || exit
                \(one.script)
                harness check x --only start > out 2> err < /dev/null; echo "status $?" >> err; tr '\\n' ' ' < err > ../err.\(number)
                [ ! -e evil ] && [ ! -e outside/f ] || echo WRITTEN >> ../err.\(number))

                """
        }
        script +=
            "for i in $(seq 0 \(Self.refused.count - 1)); do cat err.$i; echo; done; find cache/harness/images -name 'staging*' | wc -l"
        let end = try await shell(script)
        let lines = end.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for (one, line) in zip(Self.refused, lines) {
            #expect(
                line.contains(one.words) && (line.contains("status 3") || line.contains("status 2"))
                    && !line.contains("WRITTEN"),
                "\(one.name): \(line)")
        }
        #expect(end.output.hasSuffix("\n0\n"), "\(end.output.suffix(200))\(end.errors)")
    }

    /// A run that is killed while it unpacks leaves nothing that another takes for whole.
    @Test func aKilledUnpackingLeavesNoHalf() async throws {
        let end = try await shell(
            #"""
            mkdir -p one/etc; echo hello > one/etc/motd; head -c 300000000 /dev/urandom > one/etc/large; pack one; layout '{}' one.tar
            harness check lay --only start > /dev/null 2>&1 & pid=$!
            until find cache -name large 2> /dev/null | grep -q .; do :; done
            kill -9 $pid; wait; ls cache/harness/images/layers 2> /dev/null | wc -l
            scenario lay '  wait for app ready within 5s
              expect file /etc/motd contains "hello"'
            ls cache/harness/images/layers | wc -l; find cache -name 'staging*' | wc -l
            """#)
        #expect(end.output.hasPrefix("0\n") && end.output.hasSuffix("\n1\n0\n"), "\(end.output)\(end.errors)")
        #expect(end.output.contains("1 passed"), "\(end.output)\(end.errors)")
    }
}
