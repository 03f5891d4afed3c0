using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>What is said where something else answers than a Genlock daemon.</summary>
    public sealed class ConnectorTests
    {
        [TestCase("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno origin", "403 Forbidden: no origin")]
        [TestCase("HTTP/1.1 400 Bad Request\r\n\r\n", "400 Bad Request")]
        [TestCase("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n", "Sec-WebSocket-Accept is wrong")]
        [TestCase("SSH-2.0-OpenSSH_9.2\r\n", "has no end")]
        [TestCase("", "has no end")]
        [TestCase("nonsense\r\n\r\n", "was refused: nonsense")]
        public void WhatIsNoDaemonIsToldInWords(string reply, string words)
        {
            var problem = Assert.Throws<IOException>(() => Connect(reply));
            StringAssert.Contains(words, problem.Message);
        }

        [Test]
        public void AnEndlessReplyIsGivenUp()
        {
            var problem = Assert.Throws<IOException>(() => Connect(new string('x', 100000)));
            StringAssert.Contains("has no end", problem.Message);
        }

        [Test]
        public void ConnectingCanBeGivenUp()
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            using (var cancel = new CancellationTokenSource())
            {
                var connecting = new Connector(null).ConnectAsync(Url(listener), cancel.Token);
                using (listener.AcceptTcpClient())
                {
                    cancel.Cancel();
                    Assert.Throws<AggregateException>(() => connecting.Wait(TimeSpan.FromMinutes(1)));
                    Assert.IsTrue(connecting.IsCanceled);
                }
            }
            listener.Stop();
        }

        [Test]
        public void AnAddressThatNeverAnswersDoesNotKeepTheNextOneBack()
        {
            var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            var good = new TcpListener(IPAddress.Loopback, 0);
            good.Start();
            var port = ((IPEndPoint)good.LocalEndpoint).Port;
            var others = new List<Socket>();
            try
            {
                // What waits to be accepted is full then, and more is not even refused.
                silent.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), port));
                silent.Listen(1);
                for (var i = 0; i < 2; i++)
                {
                    others.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                    others[i].Connect(silent.LocalEndPoint);
                }
                var dialling = Connector.DialAsync(
                    Url(good), new[] { IPAddress.Parse("127.0.0.2"), IPAddress.Loopback }, TimeSpan.FromMilliseconds(50),
                    CancellationToken.None);
                Assert.IsTrue(dialling.Wait(TimeSpan.FromMinutes(1)));
                Assert.AreEqual(IPAddress.Loopback, ((IPEndPoint)dialling.Result.RemoteEndPoint).Address);
                dialling.Result.Dispose();
                var problem = Assert.Throws<AggregateException>(
                    () => Connector.DialAsync(
                        Url(good), new[] { IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.2") },
                        TimeSpan.FromMilliseconds(50), CancellationToken.None).Wait(TimeSpan.FromMinutes(1)));
                StringAssert.Contains("127.0.0.2 did not answer for", problem.InnerException.Message);
            }
            finally
            {
                others.ForEach(other => other.Dispose());
                silent.Dispose();
                good.Stop();
            }
        }

        private static void Connect(string reply)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var connecting = new Connector(null).ConnectAsync(Url(listener), CancellationToken.None);
            using (var client = listener.AcceptTcpClient())
            {
                var stream = client.GetStream();
                var request = new StreamReader(stream);
                for (var line = request.ReadLine(); line.Length > 0; line = request.ReadLine())
                {
                    Assert.IsFalse(line.StartsWith("Origin"), "daemons refuse browsers by it");
                }
                var bytes = Encoding.ASCII.GetBytes(reply);
                try
                {
                    stream.Write(bytes, 0, bytes.Length);
                }
                catch (IOException)
                {
                    // The client had enough of it.
                }
            }
            listener.Stop();
            try
            {
                connecting.Wait(TimeSpan.FromMinutes(1));
            }
            catch (AggregateException problem)
            {
                throw problem.InnerException;
            }
        }

        private static Uri Url(TcpListener listener)
        {
            return new Uri("ws://127.0.0.1:" + ((IPEndPoint)listener.LocalEndpoint).Port);
        }
    }
}
