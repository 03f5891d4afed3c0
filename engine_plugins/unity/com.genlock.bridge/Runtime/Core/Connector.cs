using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Genlock
{
    /// <summary>Opens WebSockets.</summary>
    internal interface IConnector
    {
        /// <exception cref="IOException">With words, if the other side cannot be reached or refuses.</exception>
        Task<WebSocket> ConnectAsync(Uri url, CancellationToken cancel);
    }

    /// <summary>
    /// Connects a TCP socket itself, with Nagle's algorithm off, and lays the platform's WebSocket over it. ClientWebSocket
    /// leaves it on and does not let its socket out: after each ping of the daemon frames would wait for up to 40 ms. Where a
    /// platform has no WebSocket over a stream of one's own, ClientWebSocket is used all the same.
    /// </summary>
    internal sealed class Connector : IConnector
    {
        private const int LongestHead = 16384;

        /// <summary>For one of several addresses: all together have as long as a hello.</summary>
        private static readonly TimeSpan AddressLimit = TimeSpan.FromSeconds(3);
        private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

        private readonly RemoteCertificateValidationCallback _validation;
        private bool _streamsUnsupported;

        internal Connector(RemoteCertificateValidationCallback validation)
        {
            _validation = validation;
        }

        public async Task<WebSocket> ConnectAsync(Uri url, CancellationToken cancel)
        {
            if (!_streamsUnsupported)
            {
                try
                {
                    return await OverOwnStreamAsync(url, cancel).ConfigureAwait(false);
                }
                catch (PlatformNotSupportedException)
                {
                    _streamsUnsupported = true;
                }
                catch (NotImplementedException)
                {
                    _streamsUnsupported = true;
                }
            }
            return await PlainAsync(url, cancel).ConfigureAwait(false);
        }

        /// <summary>What a platform's own client does, with Nagle's algorithm on.</summary>
        internal static async Task<WebSocket> PlainAsync(Uri url, CancellationToken cancel)
        {
            var socket = new ClientWebSocket();
            try
            {
                socket.Options.AddSubProtocol(Protocol.Subprotocol);
                socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan;
                await socket.ConnectAsync(url, cancel).ConfigureAwait(false);
                return socket;
            }
            catch (WebSocketException problem)
            {
                socket.Dispose();
                var inner = problem.InnerException ?? problem;
                throw new IOException("no WebSocket with " + url + ": " + inner.Message, problem);
            }
        }

        private async Task<WebSocket> OverOwnStreamAsync(Uri url, CancellationToken cancel)
        {
            var tcp = await DialAsync(url, cancel).ConfigureAwait(false);
            Stream stream = null;
            try
            {
                using (cancel.Register(tcp.Dispose))
                {
                    stream = new NetworkStream(tcp, true);
                    if (url.Scheme == "wss")
                    {
                        stream = await EncryptAsync(stream, url).ConfigureAwait(false);
                    }
                    await ShakeHandsAsync(stream, url).ConfigureAwait(false);
                    return WebSocket.CreateClientWebSocket(
                        stream, Protocol.Subprotocol, 4096, 4096, Timeout.InfiniteTimeSpan, false,
                        WebSocket.CreateClientBuffer(4096, 4096));
                }
            }
            catch (Exception problem)
            {
                if (stream != null)
                {
                    stream.Dispose();
                }
                tcp.Dispose();
                if (cancel.IsCancellationRequested)
                {
                    throw new OperationCanceledException("connecting was given up", problem);
                }
                throw;
            }
        }

        private static async Task<Socket> DialAsync(Uri url, CancellationToken cancel)
        {
            IPAddress literal;
            IPAddress[] addresses;
            try
            {
                addresses = IPAddress.TryParse(url.DnsSafeHost, out literal)
                    ? new[] { literal }
                    : await Dns.GetHostAddressesAsync(url.DnsSafeHost).ConfigureAwait(false);
            }
            catch (SocketException problem)
            {
                throw new IOException("the name " + url.DnsSafeHost + " is not known: " + problem.Message, problem);
            }
            return await DialAsync(url, addresses, AddressLimit, cancel).ConfigureAwait(false);
        }

        /// <summary>The first of several addresses that answers, each asked for so long; one alone as long as there is time.</summary>
        internal static async Task<Socket> DialAsync(Uri url, IPAddress[] addresses, TimeSpan each, CancellationToken cancel)
        {
            Exception last = null;
            foreach (var address in addresses)
            {
                cancel.ThrowIfCancellationRequested();
                var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel))
                {
                    try
                    {
                        socket.NoDelay = true;
                        limit.CancelAfter(addresses.Length > 1 ? each : Timeout.InfiniteTimeSpan);
                        using (limit.Token.Register(socket.Dispose))
                        {
                            await Task.Factory.FromAsync(
                                socket.BeginConnect(address, url.Port, null, null), socket.EndConnect).ConfigureAwait(false);
                        }
                        return socket;
                    }
                    catch (Exception problem)
                    {
                        socket.Dispose();
                        last = limit.IsCancellationRequested
                            ? new IOException(address + " did not answer for " + each.TotalSeconds + " s", problem) : problem;
                    }
                }
            }
            cancel.ThrowIfCancellationRequested();
            throw new IOException(
                "nothing answers at " + url.DnsSafeHost + ":" + url.Port + ": " + (last == null ? "no address" : last.Message),
                last);
        }

        private async Task<Stream> EncryptAsync(Stream stream, Uri url)
        {
            var encrypted = new SslStream(stream, false, _validation);
            try
            {
                await encrypted.AuthenticateAsClientAsync(url.DnsSafeHost).ConfigureAwait(false);
                return encrypted;
            }
            catch (Exception problem)
            {
                encrypted.Dispose();
                if (problem is PlatformNotSupportedException || problem is NotImplementedException)
                {
                    throw;
                }
                throw new IOException(
                    "no TLS with " + url.DnsSafeHost + ": " + problem.Message
                    + " The daemon must send its whole certificate chain, and the device must know the authority.", problem);
            }
        }

        private static async Task ShakeHandsAsync(Stream stream, Uri url)
        {
            var key = NewKey();
            var path = string.IsNullOrEmpty(url.PathAndQuery) ? "/" : url.PathAndQuery;
            var request = Encoding.ASCII.GetBytes(
                "GET " + path + " HTTP/1.1\r\nHost: " + url.Authority + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "
                + Protocol.Subprotocol + "\r\n\r\n");
            await stream.WriteAsync(request, 0, request.Length).ConfigureAwait(false);
            await stream.FlushAsync().ConfigureAwait(false);
            var reply = await ReadHeadAsync(stream).ConfigureAwait(false);
            CheckReply(reply, key);
        }

        /// <summary>The head of a reply, and what came of its body with it.</summary>
        private static async Task<string> ReadHeadAsync(Stream stream)
        {
            var buffer = new byte[LongestHead];
            var count = 0;
            while (count < buffer.Length)
            {
                var read = await stream.ReadAsync(buffer, count, buffer.Length - count).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }
                count += read;
                var text = Encoding.UTF8.GetString(buffer, 0, count);
                if (text.Contains("\r\n\r\n"))
                {
                    return text;
                }
            }
            throw new IOException("what answers is no WebSocket server: its reply to the handshake has no end");
        }

        private static void CheckReply(string reply, string key)
        {
            var end = reply.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var lines = reply.Substring(0, end).Split(new[] { "\r\n" }, StringSplitOptions.None);
            var status = lines[0].Split(' ');
            if (status.Length < 2 || status[1] != "101")
            {
                var body = reply.Substring(end + 4).Trim();
                throw new IOException("the handshake was refused: " + lines[0] + (body.Length > 0 ? ": " + body : ""));
            }
            if (Header(lines, "Sec-WebSocket-Accept") != AcceptOf(key))
            {
                throw new IOException("what answers is no WebSocket server: Sec-WebSocket-Accept is wrong");
            }
            if (Header(lines, "Sec-WebSocket-Protocol") != Protocol.Subprotocol)
            {
                throw new IOException("what answers is no Genlock daemon: it does not speak " + Protocol.Subprotocol);
            }
        }

        private static string Header(string[] lines, string name)
        {
            foreach (var line in lines)
            {
                var colon = line.IndexOf(':');
                if (colon > 0 && string.Equals(line.Substring(0, colon), name, StringComparison.OrdinalIgnoreCase))
                {
                    return line.Substring(colon + 1).Trim();
                }
            }
            return "";
        }

        private static string NewKey()
        {
            var nonce = new byte[16];
            using (var random = RandomNumberGenerator.Create())
            {
                random.GetBytes(nonce);
            }
            return Convert.ToBase64String(nonce);
        }

        private static string AcceptOf(string key)
        {
            using (var sha1 = SHA1.Create())
            {
                return Convert.ToBase64String(sha1.ComputeHash(Encoding.ASCII.GetBytes(key + Magic)));
            }
        }
    }
}
