using System;
using UnityEngine;

namespace Genlock
{
    /// <summary>Calls an app's handlers: one that throws is in the log and keeps nothing from the others.</summary>
    internal static class Handlers
    {
        internal static void Call<T>(Action<T> handlers, T value, UnityEngine.Object context)
        {
            if (handlers != null)
            {
                CallEach(handlers.GetInvocationList(), value, context);
            }
        }

        internal static void CallEach<T>(Delegate[] handlers, T value, UnityEngine.Object context)
        {
            foreach (Action<T> handler in handlers)
            {
                try
                {
                    handler(value);
                }
                catch (Exception problem)
                {
                    Debug.LogException(problem, context);
                }
            }
        }

        internal static void Call(Action handler, UnityEngine.Object context)
        {
            try
            {
                handler();
            }
            catch (Exception problem)
            {
                Debug.LogException(problem, context);
            }
        }
    }
}
